/**
 * The FIFOs of a channel in Pipe mode: `<folder>_<epoch>`, beside the folder that File mode would fill (contract §1.6). Of
 * processing jobs their names are not known; they are the same here, with LocalPath as the folder (UNCONFIRMED, §2.6). Pure.
 */
import type { ChannelPlan } from './plan.js';

type Fed = Pick<ChannelPlan, 'folder'>;

/** The folder in the container in which they lie. */
export function fifoFolder({ folder }: Fed): string {
  return folder.slice(0, folder.lastIndexOf('/'));
}

/** Epochs count from 0. */
export function fifoName({ folder }: Fed, epoch: number): string {
  return `${folder.slice(folder.lastIndexOf('/') + 1)}_${epoch}`;
}
