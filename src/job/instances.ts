/** The instances that a job of any kind asks for. Pure. */
import { OptmlError } from '../errors.js';
import { instanceSize, knownFamilies } from './instance-size.js';
import type { Job } from './job.js';
import { isObject } from './validate.js';

export interface InstancesAsked {
  /** Where the type stands in the request: `ResourceConfig.InstanceGroups[0].InstanceType`. */
  readonly member: string;
  readonly instanceType: string;
  readonly count: number;
}

/** Groups without an instance are left out. */
export function instancesAsked({ kind, request, instanceGroups }: Job): InstancesAsked[] {
  const config = request['ResourceConfig'];
  const groups = isObject(config) ? config['InstanceGroups'] : undefined;
  const isGrouped = Array.isArray(groups) && groups.length > 0;
  return instanceGroups.flatMap(({ instanceType, instanceCount: count }, index) => {
    const member =
      kind === 'processing'
        ? 'ProcessingResources.ClusterConfig.InstanceType'
        : `ResourceConfig.${isGrouped ? `InstanceGroups[${index}].` : ''}InstanceType`;
    return count === 0 ? [] : [{ member, instanceType, count }];
  });
}

/** With --emulate-instance. Throws REQUEST_REFUSED for a type whose machine is not known here. */
export function refuseUnknownInstances(job: Job): void {
  const unknown = instancesAsked(job).find(({ instanceType }) => instanceSize(instanceType) === null);
  if (unknown === undefined) return;
  throw new OptmlError(
    'REQUEST_REFUSED',
    `${unknown.member} "${unknown.instanceType}" is refused with --emulate-instance: its CPUs and memory are not known here; leave the flag out, or take a type of these families: ${knownFamilies().join(', ')}.`,
  );
}
