/**
 * Between a job and its feeder, the process that writes into FIFOs: what waits for a slow reader there must not hold up anything
 * here. Messages are plain data.
 */
import type { ErrorCode } from '../errors.js';
import type { ChannelPlan } from '../plan/plan.js';
import type { Listing } from '../survey/listing.js';

export interface FedChannel {
  readonly plan: ChannelPlan;
  readonly listing: Listing;
}

export type ToFeeder<How = unknown> =
  /** First. `store`: how to open it; `room`: where the folders of the FIFOs lie, held by their descriptors from now on. */
  | {
      readonly kind: 'begin';
      readonly store: How;
      readonly room: string;
      readonly channels: readonly FedChannel[];
    }
  /** A reader has opened this epoch's FIFO. */
  | { readonly kind: 'feed'; readonly channel: string; readonly epoch: number };

export type FromFeeder =
  | { readonly kind: 'ready' }
  /** All of the epoch is in the FIFO, or its reader has left. */
  | { readonly kind: 'fed'; readonly channel: string; readonly epoch: number; readonly whole: boolean }
  | {
      readonly kind: 'failed';
      readonly channel: string | null;
      readonly code: ErrorCode;
      readonly message: string;
    };

/** A running feeder. */
export interface Feeder {
  /** When the epoch is in the FIFO, or its reader has left. Throws what made the feeding impossible. */
  feed(channel: string, epoch: number): Promise<void>;
  /** Ends it at once. */
  end(): Promise<void>;
}

/** Starts one for the channels of a host, whose FIFOs lie in its room. */
export type StartFeeder = (work: {
  readonly room: string;
  readonly channels: readonly FedChannel[];
}) => Promise<Feeder>;
