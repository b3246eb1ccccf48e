/** What is wrong with a request, and how that becomes one message. */
import { OptmlError } from '../errors.js';
import { validationText } from './aws-words.js';

/** Nothing is wrong when both are empty. */
export interface Findings {
  /** Broken limits in AWS's own words, without the head that counts them. */
  readonly violations: readonly string[];
  /** Wrong JSON types, unknown members and broken rules between members: whole sentences. */
  readonly complaints: readonly string[];
}

/** A message lists so many complaints; a request that was never meant for AWS may have thousands. */
export const MOST_COMPLAINTS = 20;

export const NOTHING_FOUND: Findings = { violations: [], complaints: [] };

export function complaint(sentence: string): Findings {
  return { violations: [], complaints: [sentence] };
}

/** All of them, in order. */
export function joined(findings: readonly Findings[]): Findings {
  return {
    violations: findings.flatMap(one => one.violations),
    complaints: findings.flatMap(one => one.complaints),
  };
}

/** Throws what was found as one `REQUEST_INVALID`: AWS's text first, and alone where there is nothing else. */
export function refuseFindings({ violations, complaints }: Findings): void {
  if (violations.length === 0 && complaints.length === 0) return;
  const more = complaints.length - MOST_COMPLAINTS;
  const sentences = [
    ...complaints.slice(0, MOST_COMPLAINTS),
    ...(more > 0 ? [`And ${more} more of this kind.`] : []),
  ].join(' ');
  const parts = [violations.length === 0 ? '' : validationText(violations), sentences];
  throw new OptmlError('REQUEST_INVALID', parts.filter(part => part !== '').join('. '));
}
