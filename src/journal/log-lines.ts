/** A host's output → log lines as SageMaker's logs have them (contract §1.14). */
import { StringDecoder } from 'node:string_decoder';

/** An event of CloudWatch Logs holds 256 KB; a line without an end must not fill the memory either. */
const MAX_CHARACTERS = 256 * 1024;

export interface LineSplitter {
  /** The whole lines that have come together. */
  push(chunk: Buffer): string[];
  /** What is left without a newline at the end of the stream. */
  end(): string[];
}

export function lineSplitter(): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const take = (text: string): string[] => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    const whole = lines.some(isLong) ? lines.flatMap(parts) : lines;
    while (rest.length > MAX_CHARACTERS) {
      whole.push(rest.slice(0, MAX_CHARACTERS));
      rest = rest.slice(MAX_CHARACTERS);
    }
    return whole;
  };
  return {
    push: chunk => take(decoder.write(chunk)),
    end() {
      const lines = take(decoder.end());
      const last = rest === '' ? [] : [rest];
      rest = '';
      return [...lines, ...last];
    },
  };
}

/** Control characters become `#` and three octal digits: TAB is `#011`, CR `#015`; ESC `#033` is UNCONFIRMED. */
export function escapeControls(line: string): string {
  return line.replace(/[\u0000-\u001f\u007f]/g, one => `#${one.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

function isLong(line: string): boolean {
  return line.length > MAX_CHARACTERS;
}

function parts(line: string): string[] {
  if (!isLong(line)) return [line];
  const count = Math.ceil(line.length / MAX_CHARACTERS);
  return Array.from({ length: count }, (_, index) =>
    line.slice(index * MAX_CHARACTERS, (index + 1) * MAX_CHARACTERS),
  );
}
