/**
 * What machines the common instance types are. An `ml.` type is the EC2 type of the same name. Sources: AWS's pages "Amazon EC2
 * instance types" (general purpose, compute optimized, memory optimized, accelerated computing; docs.aws.amazon.com/ec2/latest/instancetypes)
 * and "Amazon SageMaker AI pricing".
 */

export interface InstanceSize {
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** NVIDIA's. */
  readonly gpus: number;
}

const GIB = 2 ** 30;

/** Types of which a vCPU has so many GiB, and whose sizes count vCPUs: `large` 2, `xlarge` 4, `2xlarge` 8 … */
const REGULAR: readonly (readonly [gibPerVcpu: number, families: string, sizes: string])[] = [
  [4, 'm4', 'xlarge 2xlarge 4xlarge 10xlarge 16xlarge'],
  [4, 'm5 m5d', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge'],
  [4, 'm6i m6id', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge'],
  [4, 'm7i', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge'],
  [4, 'm6g m6gd m7g', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge'],
  [2, 'c5 c5d', 'large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge'],
  [2, 'c6i c6id', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge'],
  [2, 'c7i', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge'],
  [2, 'c6g c6gd c7g', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge'],
  [8, 'r5 r5d', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge'],
  [8, 'r6i r6id', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge'],
  [8, 'r7i', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge'],
  [8, 'r6g r6gd r7g', 'large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge'],
];

/** All others: vCPUs, GiB, GPUs. */
const OTHERS: Readonly<Record<string, readonly [vcpus: number, gib: number, gpus?: number]>> = {
  't3.medium': [2, 4],
  't3.large': [2, 8],
  't3.xlarge': [4, 16],
  't3.2xlarge': [8, 32],
  'c4.large': [2, 3.75],
  'c4.xlarge': [4, 7.5],
  'c4.2xlarge': [8, 15],
  'c4.4xlarge': [16, 30],
  'c4.8xlarge': [36, 60],
  'c5n.large': [2, 5.25],
  'c5n.xlarge': [4, 10.5],
  'c5n.2xlarge': [8, 21],
  'c5n.4xlarge': [16, 42],
  'c5n.9xlarge': [36, 96],
  'c5n.18xlarge': [72, 192],

  'p2.xlarge': [4, 61, 1],
  'p2.8xlarge': [32, 488, 8],
  'p2.16xlarge': [64, 732, 16],
  'p3.2xlarge': [8, 61, 1],
  'p3.8xlarge': [32, 244, 4],
  'p3.16xlarge': [64, 488, 8],
  'p3dn.24xlarge': [96, 768, 8],
  'p4d.24xlarge': [96, 1152, 8],
  'p4de.24xlarge': [96, 1152, 8],
  'p5.4xlarge': [16, 256, 1],
  'p5.48xlarge': [192, 2048, 8],
  'p5e.48xlarge': [192, 2048, 8],
  'p5en.48xlarge': [192, 2048, 8],
  'p6-b200.48xlarge': [192, 2048, 8],
  'g4dn.xlarge': [4, 16, 1],
  'g4dn.2xlarge': [8, 32, 1],
  'g4dn.4xlarge': [16, 64, 1],
  'g4dn.8xlarge': [32, 128, 1],
  'g4dn.12xlarge': [48, 192, 4],
  'g4dn.16xlarge': [64, 256, 1],
  'g5.xlarge': [4, 16, 1],
  'g5.2xlarge': [8, 32, 1],
  'g5.4xlarge': [16, 64, 1],
  'g5.8xlarge': [32, 128, 1],
  'g5.12xlarge': [48, 192, 4],
  'g5.16xlarge': [64, 256, 1],
  'g5.24xlarge': [96, 384, 4],
  'g5.48xlarge': [192, 768, 8],
  'g6.xlarge': [4, 16, 1],
  'g6.2xlarge': [8, 32, 1],
  'g6.4xlarge': [16, 64, 1],
  'g6.8xlarge': [32, 128, 1],
  'g6.12xlarge': [48, 192, 4],
  'g6.16xlarge': [64, 256, 1],
  'g6.24xlarge': [96, 384, 4],
  'g6.48xlarge': [192, 768, 8],
  'g6e.xlarge': [4, 32, 1],
  'g6e.2xlarge': [8, 64, 1],
  'g6e.4xlarge': [16, 128, 1],
  'g6e.8xlarge': [32, 256, 1],
  'g6e.12xlarge': [48, 384, 4],
  'g6e.16xlarge': [64, 512, 1],
  'g6e.24xlarge': [96, 768, 4],
  'g6e.48xlarge': [192, 1536, 8],

  'trn1.2xlarge': [8, 32],
  'trn1.32xlarge': [128, 512],
  'trn1n.32xlarge': [128, 512],
  'trn2.48xlarge': [192, 2048],
  'inf2.xlarge': [4, 16],
  'inf2.8xlarge': [32, 128],
  'inf2.24xlarge': [96, 384],
  'inf2.48xlarge': [192, 768],
};

/** Null for a type whose machine is not known here. */
export function instanceSize(instanceType: string): InstanceSize | null {
  const [, name = ''] = /^ml\.(.+)$/.exec(instanceType) ?? [];
  const [family = '', size = ''] = name.split('.');
  const other = Object.hasOwn(OTHERS, name) ? OTHERS[name] : undefined;
  if (other !== undefined) return sizeOf(other);
  const regular = REGULAR.find(
    ([, families, sizes]) => families.split(' ').includes(family) && sizes.split(' ').includes(size),
  );
  if (regular === undefined) return null;
  const vcpus = size === 'large' ? 2 : 4 * Number(/^(\d*)xlarge$/.exec(size)?.[1] || '1');
  return sizeOf([vcpus, vcpus * regular[0]]);
}

/** For a message: the families of which types are known. */
export function knownFamilies(): readonly string[] {
  const others = Object.keys(OTHERS).map(name => name.split('.')[0] ?? '');
  return [...new Set([...REGULAR.flatMap(([, families]) => families.split(' ')), ...others])];
}

function sizeOf([vcpus, gib, gpus = 0]: readonly [number, number, number?]): InstanceSize {
  return { vcpus, memoryBytes: gib * GIB, gpus };
}
