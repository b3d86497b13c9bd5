/**
 * Makes a value on first use, and keeps it. It is mainly for schemas: there are hundreds, zod takes some tenths of a
 * millisecond for each, and a worker that starts for one request should build only the schemas of that request.
 */
export const once = <Made>(make: () => Made): (() => Made) => {
  let made: { value: Made } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
