/** What the name of an instance type tells: `ml.<family>.<size>`, the family as letters, generation and attributes. */

/** Is it a well-formed name? AWS adds types faster than its model is copied, so any `ml.*` is taken (contract, appendix A). */
export function isInstanceType(name: string): boolean {
  return name.length <= 64 && /^ml\.[a-z0-9]+(?:-[a-z0-9]+)*\.[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name);
}

/**
 * Graviton machines run arm64, all others amd64. A `g` after the generation's digit means Graviton (m6g, c7gn, r8gd, t4g,
 * g5g), one before it a GPU (g5, g4dn); the Grace processors of p6e-gb200 are arm64 too.
 */
export function platformOf(instanceType: string): 'linux/amd64' | 'linux/arm64' {
  return /^ml\.(?:[a-z]+\d+[a-z]*g[a-z]*|p\d+e-gb\d+)\./.test(instanceType) ? 'linux/arm64' : 'linux/amd64';
}

/** Does the machine have NVIDIA's GPUs (p3, g5, gr6, g5g …)? Those of g4ad are AMD's. */
export function hasGpus(instanceType: string): boolean {
  return /^ml\.(?:p|g|gr)\d/.test(instanceType) && !isAccelerated(instanceType);
}

/** Does it have accelerators that are no NVIDIA GPUs: AWS's own (trn1, inf2), Gaudi (dl1), video (vt1), AMD's GPUs (g4ad)? */
export function isAccelerated(instanceType: string): boolean {
  return /^ml\.(?:(?:trn|inf|dl|vt)\d|g4ad\.)/.test(instanceType);
}
