/** No system can hand a NUL byte to a program; AWS's limits let it through where they are `.*` or `[\S\s]*`. */
export function nulBytes(given: {
  /** The member that holds the words of the command. */
  readonly member: string;
  readonly words:
    | {
        readonly ContainerEntrypoint?: readonly string[];
        readonly ContainerArguments?: readonly string[];
      }
    | undefined;
  readonly environment: Readonly<Record<string, string>> | undefined;
}): readonly string[] {
  const { member, words, environment = {} } = given;
  const texts = [
    ...(words?.ContainerEntrypoint ?? []).map((text, index) => [
      `${member}.ContainerEntrypoint[${index}]`,
      text,
    ]),
    ...(words?.ContainerArguments ?? []).map((text, index) => [
      `${member}.ContainerArguments[${index}]`,
      text,
    ]),
    ...Object.entries(environment).map(([key, text]) => [`Environment.${key}`, text]),
  ] as const;
  return texts
    .filter(([, text]) => text?.includes('\0') === true)
    .map(
      ([place]) =>
        `Invalid ${place}. It has a NUL character in it, which no program can be given: take it out.`,
    );
}
