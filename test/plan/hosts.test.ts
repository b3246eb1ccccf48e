/** Which host gets which channel, and which share of it (contract §1.3, §1.5). */
import { describe, expect, test } from 'vitest';
import { parseTrainingJob, type InstanceGroup, type TrainingJob } from '../../src/job/training-job.js';
import { planTrainingJob, type Plan } from '../../src/plan/plan.js';
import { isInShare } from '../../src/plan/objects.js';
import { channel, SETTINGS, validRequest } from '../job/requests.js';

interface Asked {
  readonly distribution?: 'FullyReplicated';
  readonly groups?: readonly string[];
}

/** The plan of a job on more hosts than a request may ask for yet. */
function planOn(instanceGroups: readonly InstanceGroup[], ...asked: readonly Asked[]): Plan {
  const InputDataConfig = asked.map(({ distribution = 'ShardedByS3Key' }, index) =>
    channel({ ChannelName: `c${index}` }, { S3DataDistributionType: distribution }),
  );
  const checked = parseTrainingJob(validRequest({ InputDataConfig }), SETTINGS);
  const channels = checked.channels.map((one, index) => ({
    ...one,
    instanceGroups: asked[index]?.groups ?? [],
  }));
  const job: TrainingJob = { ...checked, channels, instanceGroups };
  return planTrainingJob(job, { storeAccess: true });
}

const A: InstanceGroup = { name: 'a', instanceType: 'ml.m5.large', instanceCount: 2 };
const B: InstanceGroup = { name: 'b', instanceType: 'ml.c5.large', instanceCount: 3 };

describe('ShardedByS3Key', () => {
  test('deals out the listing as the real job on two hosts did: even positions to the first, odd ones to the second', () => {
    const shares = planOn([A], {}).hosts.map(host => host.channels[0]?.share);
    const positions = Array.from({ length: 20 }, (_, index) => index);
    expect(
      shares.map(share => (share === undefined ? [] : positions.filter(index => isInShare(index, share)))),
    ).toEqual([positions.filter(index => index % 2 === 0), positions.filter(index => index % 2 === 1)]);
  });

  test('leaves the second host an empty folder where there is one object', () => {
    const [first, second] = planOn([A], {}).hosts;
    expect([first, second].map(host => host?.channels.map(({ share }) => isInShare(0, share)))).toEqual([
      [true],
      [false],
    ]);
    expect(second?.folders).toContain('/opt/ml/input/data/c0');
  });

  test('counts the hosts that receive the channel', () => {
    const plan = planOn([A, B], { groups: ['b'] });
    expect(plan.hosts.map(host => host.channels.map(({ share }) => `${share.index} of ${share.of}`))).toEqual(
      [[], [], ['0 of 3'], ['1 of 3'], ['2 of 3']],
    );
  });

  test('is nothing to a channel that is FullyReplicated', () => {
    const plan = planOn([A], { distribution: 'FullyReplicated' });
    expect(plan.hosts.map(host => host.channels[0]?.share)).toEqual([
      { index: 0, of: 1 },
      { index: 0, of: 1 },
    ]);
  });
});

test('a channel of other groups is neither staged nor mounted', () => {
  const [host] = planOn([A, B], { groups: ['b'] }, { groups: ['a'] }).hosts;
  expect(host?.channels.map(({ name }) => name)).toEqual(['c1']);
  expect(host?.folders.filter(folder => folder.includes('/data/'))).toEqual(['/opt/ml/input/data/c1']);
});

test('hosts are numbered through the groups, and each sees its own', () => {
  const [, , third] = planOn([A, B], {}).hosts;
  expect(JSON.parse(third?.files['/opt/ml/input/config/resourceconfig.json'] ?? '')).toEqual({
    current_host: 'algo-3',
    current_instance_type: 'ml.c5.large',
    current_group_name: 'b',
    hosts: ['algo-1', 'algo-2', 'algo-3', 'algo-4', 'algo-5'],
    instance_groups: [
      { instance_group_name: 'a', instance_type: 'ml.m5.large', hosts: ['algo-1', 'algo-2'] },
      { instance_group_name: 'b', instance_type: 'ml.c5.large', hosts: ['algo-3', 'algo-4', 'algo-5'] },
    ],
    network_interface_name: 'eth0',
  });
});
