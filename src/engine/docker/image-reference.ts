/** Image references as the docker command reads them. Pure. */

/** Registry of a reference, as credentials are filed under it: `docker.io` for short names. */
export function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  const named = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  return named ? first : 'docker.io';
}

/** `repository:tag` of an ECR URI; undefined for other references. */
export function ecrRepositoryTag(reference: string): string | undefined {
  const match = /^\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\/(.+)$/.exec(reference);
  const rest = match?.[1];
  if (rest === undefined || rest.includes('@')) return undefined;
  return /:[^/]+$/.test(rest) ? rest : `${rest}:latest`;
}

/** A pull without a tag would fetch every tag. */
export function withTag(reference: string): string {
  return reference.includes('@') || /:[^/]+$/.test(reference) ? reference : `${reference}:latest`;
}

/** Has only what references are made of; the engine itself knows the rest of the grammar. */
export function isReference(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/.test(text) && !text.includes('..');
}
