/**
 * Stops that reach the containers of a job when the test lets them, however soon a limit or an interruption brings them: PID 1
 * hears no SIGTERM before it has set its trap.
 */
import { gatedEngine, type GatedEngine } from './gated-engine.js';

/** What the engine is asked to stop a container. */
export const STOP = /^POST .*\/containers\/\w+\/stop/;

export interface HeldStop {
  readonly engine: GatedEngine;
  readonly env: { readonly DOCKER_HOST: string };
  /** Lets it and all later ones through. */
  readonly release: () => void;
}

export async function heldStop(): Promise<HeldStop> {
  const engine = await gatedEngine();
  const held = engine.requests.hold(STOP);
  return { engine, env: { DOCKER_HOST: engine.url }, release: () => held.release() };
}
