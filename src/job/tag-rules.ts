/** The rules of tags, the same for every kind of job (contract §4.4). */
import { repeated } from './repeated.js';

export function tagRules(tags: readonly { readonly Key: string }[] = []): readonly string[] {
  const keys = tags.map(tag => tag.Key);
  return [
    ...repeated(keys).map(
      key => `Invalid Tags. Tag keys must be unique, but '${key}' is given more than once.`,
    ),
    ...keys
      .filter(key => key.toLowerCase().startsWith('aws:'))
      .map(key => `Invalid Tags. Tag keys may not start with aws:, which is AWS's own, but one is '${key}'.`),
  ];
}
