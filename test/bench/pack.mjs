/** `model.tar.gz` of 1 GiB of mixed content, packed beside `tar | pigz -6 -p2`, and packed while it is uploaded. */
import { createHash, randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  absent,
  atLeast,
  atMost,
  command,
  has,
  inTurn,
  report,
  ROOT,
  rounds,
  shell,
  timesAsFast,
} from './measure.mjs';
import { startSink } from './uploads.mjs';

const MIB = 1024 * 1024;
const EPOCHS = 16;

export async function bench() {
  if (!has('pigz')) return absent('pigz', 'apt-get install pigz');
  const folder = mkdtempSync('/dev/shm/optml-bench-');
  try {
    const model = join(folder, 'model');
    makeModel(model);
    const ours = join(folder, 'ours.tar.gz');
    const theirs = join(folder, 'theirs.tar.gz');
    const figures = await inTurn(
      [
        { name: 'tar | pigz -6 -p2', run: () => shell(`tar -C ${model} -cf - . | pigz -6 -p2 > ${theirs}`) },
        {
          name: 'optml',
          run: () => command(process.execPath, [join(ROOT, 'test/bench/child/pack.mjs'), model, ours]),
        },
      ],
      rounds(),
    );
    report('model.tar.gz of 1 GiB', figures, { rounds: rounds() });
    atLeast('model.tar.gz: beside tar | pigz -6 -p2', timesAsFast(figures, 'tar | pigz -6 -p2'), 3);
    atMost('model.tar.gz: size, beside that of pigz -6', statSync(ours).size / statSync(theirs).size, 1.01);
    atMost('model.tar.gz: memory', figures.get('optml').memory, 150, 'MB');
    rmSync(theirs);
    await packAndUpload(model, ours);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Over a line of a gigabit, where neither is much faster than the other. */
async function packAndUpload(model, packed) {
  const alone = join(model, '../alone');
  mkdirSync(alone);
  renameSync(packed, join(alone, 'model.tar.gz'));
  const sink = await startSink(125_000_000);
  const child = join(ROOT, 'test/bench/child/upload.mjs');
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'bench', AWS_SECRET_ACCESS_KEY: 'bench' };
  const upload = (...args) => command(process.execPath, [child, sink.url, ...args], { env });
  try {
    const figures = await inTurn(
      [
        { name: 'pack and upload', run: () => upload(model, 'model.tar.gz', 'tar.gz') },
        {
          name: 'pack',
          run: () => command(process.execPath, [join(ROOT, 'test/bench/child/pack.mjs'), model, '/dev/null']),
        },
        { name: 'upload', run: () => upload(alone, 'out') },
      ],
      rounds(),
    );
    report('model.tar.gz of 1 GiB, over a line of 1 Gbit/s', figures, { rounds: rounds() });
    const slower = Math.max(figures.get('pack').wall, figures.get('upload').wall);
    atMost(
      'pack and upload: beside the slower of the two',
      figures.get('pack and upload').wall / slower,
      1.1,
    );
    atMost('pack and upload: memory', figures.get('pack and upload').memory, 150, 'MB');
  } finally {
    await sink.stop();
  }
}

/** Checkpoints of 16 epochs, each with 32-bit weights with noise in their low bits, 16-bit ones widened and text; small files. */
function makeModel(folder) {
  mkdirSync(folder, { recursive: true });
  const contents = {
    'weights.fp32': weights(512 * MIB, 0xffff_ffff),
    'weights.bf16-as-fp32': weights(256 * MIB, 0xffff_0000),
    'vocabulary.json': text(192 * MIB),
  };
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    const checkpoint = join(folder, `epoch-${epoch}`);
    mkdirSync(checkpoint);
    for (const [name, bytes] of Object.entries(contents)) {
      const part = bytes.length / EPOCHS;
      writeFileSync(join(checkpoint, name), bytes.subarray(epoch * part, (epoch + 1) * part));
    }
  }
  for (let index = 0; index < 300; index += 1)
    writeFileSync(join(folder, `part-${index}.json`), text(200_000 + index));
}

function weights(bytes, mask) {
  const values = new Float32Array(bytes / 4);
  const noise = new Uint32Array(MIB);
  randomFillSync(noise);
  for (let index = 0; index < values.length; index += 1)
    values[index] = (noise[index % MIB] / 2 ** 32 - 0.5) * (1 + (index >> 20)) * 0.02;
  const bits = new Uint32Array(values.buffer);
  for (let index = 0; index < bits.length; index += 1)
    bits[index] = (bits[index] ^ (index * 2654435761)) & (mask === 0xffff_ffff ? mask : 0xffff_0000);
  return Buffer.from(values.buffer);
}

function text(bytes) {
  const lines = [];
  for (let length = 0, index = 0; length < bytes; index += 1) {
    const hash = createHash('md5')
      .update(String(index % 50_000))
      .digest('hex');
    const line = `{"token": "${hash.slice(0, 6)}", "id": ${index}, "score": -${(index % 977) / 100}, "type": "NORMAL"},\n`;
    lines.push(line);
    length += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, bytes);
}
