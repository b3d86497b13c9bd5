/** This page's address with `parameters` set in its query, and without the parameters named in `without`. */
export const addressWith = (parameters: Record<string, string>, without: string[]): string => {
  const url = new URL(location.href)
  for (const name of without) url.searchParams.delete(name)
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}
