/**
 * Makes something when it is first asked for, and keeps it. Schemas above all: zod takes some tenths of a millisecond to build a schema;
 * there are hundreds, and a worker that starts for one request should build those of that request.
 */
export const once = <Made>(make: () => Made): (() => Made) => {
  let made: { value: Made } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
