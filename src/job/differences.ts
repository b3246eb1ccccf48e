/** A difference: something that SageMaker would do and that goes another way here. Never silent: plan and card show it. */
export interface Difference {
  /** Path in the request, as `InputDataConfig[0].InputMode`. */
  readonly member: string;
  /** What the request asks for, as given. */
  readonly asked: unknown;
  /** What happens here. */
  readonly here: string;
  readonly why: string;
}
