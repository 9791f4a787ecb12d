/** An error as a service answers it. */
export class ServiceFailure extends Error {
  override readonly name = 'ServiceFailure'
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
    /** Members beside the message. */
    readonly more: Readonly<Record<string, unknown>> = {},
  ) {
    super(message)
  }
}

export function validation(message: string): ServiceFailure {
  return new ServiceFailure('ValidationException', message, 400)
}
