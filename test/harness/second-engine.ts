/**
 * A Docker engine of the test's own, which may be killed. It lives in namespaces of its own: the first engine's bridge and
 * rules are out of its reach, folders of this machine can be hidden from it, as they are from an engine elsewhere, and all
 * of its processes end with the test. Needs root.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface SecondEngine {
  /** For DOCKER_HOST. */
  readonly url: string;
  docker(...args: readonly string[]): Promise<string>;
  /** SIGKILL; its containers go on. */
  kill(): Promise<void>;
  /** After `kill`; no harm otherwise. */
  start(): Promise<void>;
  /** What the DNS server of the engine's machine was asked: on its loopback, as systemd-resolved is. It knows no name. */
  questions(): Promise<string>;
  /** Ends it and removes all that it had. */
  stop(): Promise<void>;
}

const READY_MS = 60_000;

/** The images are taken from the first engine. `hidden` is a folder that this one finds empty. */
export async function startSecondEngine({
  images,
  hidden,
}: {
  readonly images: readonly string[];
  readonly hidden: string;
}): Promise<SecondEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'optml-engine-'));
  const url = `unix://${join(folder, 'engine.sock')}`;
  await writeFile(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\n');
  await writeFile(join(folder, 'questions'), '');
  const spaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc'];
  const keeper = spawn('unshare', [...spaces, 'sh', '-c', KEEPER, 'sh', folder, hidden, url, RESOLVER], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface(keeper.stdout);
  const tell = async (word: string): Promise<void> => {
    const answered = once(answers, 'line');
    keeper.stdin.write(`${word}\n`);
    await answered;
  };
  const docker = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run('docker', ['-H', url, ...args]);
    return stdout.trim();
  };
  const self: SecondEngine = {
    url,
    docker,
    kill: () => tell('kill'),
    questions: () => readFile(join(folder, 'questions'), 'utf8'),
    async start() {
      await tell('start');
      const deadline = Date.now() + READY_MS;
      while (!(await answersTo(docker))) {
        if (Date.now() > deadline) throw new Error(await readFile(join(folder, 'log'), 'utf8'));
        await delay(20);
      }
    },
    async stop() {
      const ended = once(keeper, 'exit');
      keeper.stdin.end();
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
  try {
    await self.start();
    const line = 'docker save "$@" | docker -H "$ENGINE" load -q';
    await run('sh', ['-c', line, 'sh', ...images], { env: { ...process.env, ENGINE: url } });
    return self;
  } catch (thrown) {
    await self.stop();
    throw thrown;
  }
}

/**
 * The first process of the namespaces: when its stdin ends it does, and the kernel ends all others. The engine's own
 * containerd ends with it, a moment later; one that is started meanwhile would wait for it in vain.
 */
const KEEPER = `
  folder=$1 hidden=$2 url=$3 engine=
  ip link set lo up
  mount -t tmpfs none "$hidden"
  mount --bind "$folder/resolv.conf" /etc/resolv.conf
  python3 -c "$4" "$folder/questions" &
  while read -r word; do
    case $word in
      start)
        [ -n "$engine" ] || {
          dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/pid" -H "$url" >>"$folder/log" 2>&1 &
          engine=$!
        } ;;
      kill)
        [ -z "$engine" ] || {
          kill -9 $engine
          wait $engine
          kill -9 "$(cat "$folder/exec/containerd/containerd.pid")"
          rm -f "$folder/exec/containerd/containerd.pid"
          engine=
        } 2>/dev/null ;;
    esac
    echo done
  done`;

const RESOLVER = `
import socket, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    question, asker = server.recvfrom(4096)
    with open(sys.argv[1], "ab") as log:
        log.write(question[12:] + b"\\n")
    server.sendto(question[:2] + b"\\x81\\x83" + question[4:6] + bytes(6) + question[12:], asker)
`;

async function answersTo(docker: SecondEngine['docker']): Promise<boolean> {
  try {
    await docker('version');
    return true;
  } catch {
    return false;
  }
}
