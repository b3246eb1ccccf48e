/** Jobs of several hosts on the real engine: names, config files, outputs, failures, networks. */
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { sizesIn, textIn } from '../harness/aftermath.js';
import { bridgeGateway, docker } from '../harness/engine.js';
import { runJob, startJob } from '../harness/job.js';
import { afterThis, scratch } from '../harness/optml.js';
import { outOfMemory, runsOutOfMemory } from '../harness/out-of-memory.js';
import { putObject, shell, shellJob, type Request } from '../harness/requests.js';
import { HEARS, tell, untilTold } from '../harness/tell.js';

/** So many hosts, each of which runs the lines. */
function clusterJob(count: number, line: string | readonly string[], members: Request = {}): Request {
  const ResourceConfig = { InstanceType: 'ml.m5.large', InstanceCount: count, VolumeSizeInGB: 10 };
  return shellJob(line, { ResourceConfig, ...members });
}

/** Listens until a peer has called, once. */
const LISTEN = `python3 -c 'import socket; socket.create_server(("", 8080)).accept()' &`;

describe('hosts', () => {
  test('each has its name, its resourceconfig.json and an /opt/ml of its own', async () => {
    const ended = await runJob(
      clusterJob(3, [
        'hostname; cat /opt/ml/input/config/resourceconfig.json; echo',
        'ls /opt/ml/model | wc -l; touch /opt/ml/model/$(hostname)',
      ]),
    );
    expect(ended.status).toBe(0);
    const hosts = ['algo-1', 'algo-2', 'algo-3'];
    for (const host of hosts) {
      const [name, config = '', count] = ended.logOf(host);
      expect([name, count]).toEqual([host, '0']);
      expect(JSON.parse(config)).toMatchObject({
        current_host: host,
        hosts,
        instance_groups: [{ instance_group_name: 'homogeneousCluster', hosts }],
        network_interface_name: 'eth0',
      });
    }
    expect(await sizesIn(ended.output('model.tar.gz'))).toEqual({ 'algo-1': 0, 'algo-2': 0, 'algo-3': 0 });
  });

  test('are numbered through the groups, and get their shards', async () => {
    const home = await scratch('home');
    for (const name of ['a', 'b', 'c']) await putObject(home, `s3://data/train/${name}`, name);
    const group = (InstanceGroupName: string, InstanceType: string, InstanceCount: number): object => ({
      InstanceGroupName,
      InstanceType,
      InstanceCount,
    });
    const source = { S3DataType: 'S3Prefix', S3Uri: 's3://data/train/', InstanceGroupNames: ['workers'] };
    const request = shellJob(
      'cat /opt/ml/input/config/resourceconfig.json; echo; ls /opt/ml/input/data/train',
      {
        ResourceConfig: {
          InstanceGroups: [group('feeders', 'ml.c5.xlarge', 1), group('workers', 'ml.m5.large', 2)],
          VolumeSizeInGB: 10,
        },
        InputDataConfig: [
          {
            ChannelName: 'train',
            DataSource: { S3DataSource: { ...source, S3DataDistributionType: 'ShardedByS3Key' } },
          },
        ],
      },
    );
    const ended = await runJob(request, { home });
    // The first host has no such channel: its `ls` fails, which is what this test wants to see.
    expect(ended.described.FailureReason).toMatch(/^AlgorithmError: , exit code: 2$/);
    expect(JSON.parse(ended.logOf('algo-1').find(line => line.startsWith('{')) ?? '')).toEqual({
      current_host: 'algo-1',
      current_instance_type: 'ml.c5.xlarge',
      current_group_name: 'feeders',
      hosts: ['algo-1', 'algo-2', 'algo-3'],
      instance_groups: [
        { instance_group_name: 'feeders', instance_type: 'ml.c5.xlarge', hosts: ['algo-1'] },
        { instance_group_name: 'workers', instance_type: 'ml.m5.large', hosts: ['algo-2', 'algo-3'] },
      ],
      network_interface_name: 'eth0',
    });
    expect(ended.logOf('algo-2').slice(1)).toEqual(['a', 'c']);
    expect(ended.logOf('algo-3').slice(1)).toEqual(['b']);
  });

  test('names resolve to the same addresses on every host, also those of hosts that have ended', async () => {
    const look = 'getent hosts algo-1 algo-2 algo-3 | tr -s " "';
    const job = await startJob(
      clusterJob(3, [
        HEARS,
        look,
        // The last host ends at once; the others look again when they are told to.
        'if test $(hostname) = algo-3; then exit 0; fi',
        `echo waiting; ${untilTold()}`,
        look,
      ]),
    );
    await Promise.all([job.shows('algo-1 | waiting'), job.shows('algo-2 | waiting')]);
    const ids = (await docker('ps', '-aq', '--filter', `label=optml.job=${job.name}`)).split('\n');
    expect(ids).toHaveLength(3);
    await docker('wait', `optml-${await runOf(job.name)}-algo-3`);
    for (const host of ['algo-1', 'algo-2']) await tell(job.name, host);
    const ended = await job.finish();
    expect(ended.status).toBe(0);
    const known = ended.logOf('algo-3');
    expect(known.map(line => line.split(' ')[1])).toEqual(['algo-1', 'algo-2', 'algo-3']);
    for (const host of ['algo-1', 'algo-2'])
      expect(ended.logOf(host)).toEqual([...known, 'waiting', ...known]);
  });

  test('reach each other, and the store', async () => {
    const fetch =
      'import urllib.request as u; print(u.urlopen("http://algo-2:8080/hyperparameters.json").read().decode())';
    const ended = await runJob(
      clusterJob(2, '', {
        ...shell(
          [
            `test $(hostname) = algo-2 || { until python3 -c '${fetch}' 2>/dev/null; do sleep 0.1; done; exit; }`,
            'python3 -m http.server 8080 --directory /opt/ml/input/config >/tmp/log 2>&1 &',
            'until grep -q "GET.* 200" /tmp/log; do sleep 0.1; done',
            'while cat /proc/net/tcp* | grep -q ":1F90 [^ ]* 01 "; do sleep 0.1; done',
          ],
          { TrainingImage: 'optml-demo:latest' },
        ),
        HyperParameters: { a: 'b' },
      }),
    );
    expect(ended.status).toBe(0);
    expect(ended.log).toEqual(['{"a":"b"}']);
  });
});

describe('outputs', () => {
  test('model.tar.gz has what all hosts wrote, output.tar.gz only what the first wrote', async () => {
    const ended = await runJob(
      clusterJob(2, [
        'cd /opt/ml/model; mkdir $(hostname) shared; echo $(hostname) | tee $(hostname)/own shared/$(hostname) clash',
        'test $(hostname) = algo-1 && ln -s /etc trap || { mkdir trap; echo stolen > trap/passwd; }',
        'echo $(hostname) > /opt/ml/output/data/result',
      ]),
    );
    expect(ended.status).toBe(0);
    const model = ended.output('model.tar.gz');
    expect(Object.keys(await sizesIn(model)).sort()).toEqual([
      'algo-1/',
      'algo-1/own',
      'algo-2/',
      'algo-2/own',
      'clash',
      'shared/',
      'shared/algo-1',
      'shared/algo-2',
      'trap -> /etc',
    ]);
    expect(await textIn(model, 'clash')).toBe('algo-1\n');
    expect(await textIn(ended.output('output.tar.gz'), 'result')).toBe('algo-1\n');
    expect(ended.stderr).toMatch(/an earlier host wrote these paths too.*algo-2: "clash"/);
    expect(ended.stderr).toContain('algo-2: "trap/passwd"');
    expect(ended.stderr).toContain('/opt/ml/output/data of algo-2 is not uploaded');
  });

  test('uncompressed, too', async () => {
    const ended = await runJob(
      clusterJob(2, 'echo $(hostname) | tee /opt/ml/model/$(hostname) /opt/ml/output/data/$(hostname)', {
        OutputDataConfig: { S3OutputPath: 's3://outputs/here', CompressionType: 'NONE' },
      }),
    );
    expect((await readdir(ended.output('model'))).sort()).toEqual(['algo-1', 'algo-2']);
    expect(await readdir(ended.output('data'))).toEqual(['algo-1']);
  });
});

describe('ends', () => {
  test('the first host that fails ends the others in order, and gives the reason', async () => {
    const job = await startJob(
      clusterJob(3, [
        HEARS,
        'trap "echo told; echo saved > /opt/ml/model/saved; exit 9" TERM',
        'test $(hostname) = algo-2 && reason="no more data" || reason=other',
        'printf "$reason" > /opt/ml/output/failure; echo ready',
        `${untilTold()}; exit 3`,
      ]),
    );
    await Promise.all([1, 2, 3].map(index => job.shows(`algo-${index} | ready`)));
    await tell(job.name, 'algo-2');
    const ended = await job.finish();
    expect(ended.described).toMatchObject({
      TrainingJobStatus: 'Failed',
      FailureReason: 'AlgorithmError: no more data, exit code: 3',
    });
    expect(ended.logOf('algo-2')).toEqual(['ready']);
    for (const host of ['algo-1', 'algo-3']) expect(ended.logOf(host)).toEqual(['ready', 'told']);
    expect(await textIn(ended.output('model.tar.gz'), 'saved')).toBe('saved\n');
  });

  test('a host that ends well waits for the others', async () => {
    const ended = await runJob(clusterJob(2, 'test $(hostname) = algo-1 && exit 0; sleep 1; echo late'));
    expect(ended.status).toBe(0);
    expect(ended.logOf('algo-2')).toEqual(['late']);
  });

  test('a host that runs out of memory fails the job', async () => {
    const job = await startJob(
      clusterJob(2, [HEARS, `trap "exit 0" TERM; echo ready; ${untilTold()}`, runsOutOfMemory(2)]),
    );
    await Promise.all([job.shows('algo-1 | ready'), job.shows('algo-2 | ready')]);
    const container = `optml-${await runOf(job.name)}-algo-2`;
    await docker('update', '--memory', '32m', '--memory-swap', '32m', container);
    await tell(job.name, 'algo-2');
    await outOfMemory(container);
    await tell(job.name, 'algo-2');
    const { described } = await job.finish();
    expect(described.FailureReason).toMatch(/^ClientError: Please use an instance type with more memory/);
  });

  test("a stop is every host's: Stopped, with what all of them saved", async () => {
    const job = await startJob(
      clusterJob(4, [
        'trap "echo saved > /opt/ml/model/$(hostname); exit 1" TERM',
        'echo ready; while :; do sleep 0.1; done',
      ]),
    );
    await Promise.all([1, 2, 3, 4].map(index => job.shows(`algo-${index} | ready`)));
    job.signal('SIGINT');
    const ended = await job.finish();
    expect(ended.described.TrainingJobStatus).toBe('Stopped');
    expect(Object.keys(await sizesIn(ended.output('model.tar.gz')))).toHaveLength(4);
  });

  test('a command that does not exist fails all hosts alike', async () => {
    const { described } = await runJob(
      clusterJob(3, '', {
        AlgorithmSpecification: {
          TrainingImage: 'optml-shell:latest',
          TrainingInputMode: 'File',
          ContainerEntrypoint: ['/no/such/program'],
        },
      }),
    );
    expect(described.FailureReason).toMatch(/no such file/);
  });
});

describe('networks', () => {
  test('two jobs at once have one each', async () => {
    const lines = [HEARS, `getent hosts algo-2 | cut -d " " -f 1; echo ready; ${untilTold()}`];
    const jobs = await Promise.all([1, 2].map(() => startJob(clusterJob(2, lines))));
    for (const job of jobs) for (const host of ['algo-1', 'algo-2']) await job.shows(`${host} | ready`);
    const ended = await Promise.all(
      jobs.map(async job => {
        await tell(job.name);
        return job.finish();
      }),
    );
    expect(ended.map(one => one.status)).toEqual([0, 0]);
    expect(ended[0]?.log[0]).not.toBe(ended[1]?.log[0]);
  });

  test.each([
    [true, ['no', 'no', 'unknown', 'algo-2 answers', '0 keys']],
    [false, ['reached', 'reached', 'unknown', 'algo-2 answers', '4 keys']],
  ])('isolated %s: the peers, this machine, names of the world, keys', async (isolated, seen) => {
    const port = await listensOnAllAddresses();
    const gateway = await bridgeGateway();
    const ended = await runJob(
      clusterJob(2, '', {
        ...shell(
          [
            'try() { timeout 3 bash -c "< /dev/tcp/$1/$2" 2>/dev/null; }; own=$(hostname -I | tr -d " ")',
            `for to in ${gateway} \${own%.*}.1; do try $to ${port} && echo reached || echo no; done`,
            'timeout 15 getent hosts no-such-name.invalid || echo unknown',
            `${LISTEN} peer=algo-$((3 - $(hostname | tail -c 2)))`,
            'until bash -c "< /dev/tcp/$peer/8080" 2>/dev/null; do sleep 0.1; done; echo $peer answers',
            'echo $(env | grep -c -e ^AWS_ACCESS -e ^AWS_SECRET -e ENDPOINT_URL) keys; wait',
          ],
          { TrainingImage: 'optml-demo:latest' },
        ),
        EnableNetworkIsolation: isolated,
      }),
    );
    expect(ended.status).toBe(0);
    expect(ended.log).toEqual(seen);
  });
});

/** A server of this machine that containers reach unless they are kept from it. */
async function listensOnAllAddresses(): Promise<number> {
  const server = createServer(socket => socket.end()).listen(0, '0.0.0.0');
  await once(server, 'listening');
  afterThis(async () => {
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

/** The run of a job, which its containers are named by. */
async function runOf(job: string): Promise<string> {
  return docker('ps', '-a', '--filter', `label=optml.job=${job}`, '--format', '{{.Label "optml.run"}}').then(
    text => text.split('\n')[0] ?? '',
  );
}
