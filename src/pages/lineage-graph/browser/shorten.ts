/**
 * Cuts a long name in its middle, because its beginning says where it is and its end says what it is:
 * `warehouse.…orders_daily`. Cuts between two parts of the name if that leaves enough of it.
 */
export const shorten = (name: string, most: number): string => {
  if (name.length <= most) return name
  const separator = name.includes('/') ? '/' : '.'
  const last = name.slice(name.lastIndexOf(separator) + 1)
  const tail = last !== '' && last.length <= most - 6 ? last : name.slice(-Math.ceil(most * 0.6))
  const head = name.slice(0, most - 1 - tail.length)
  const end = head.lastIndexOf(separator) + 1
  return `${end > 3 && end >= head.length / 2 ? head.slice(0, end) : head}…${tail}`
}
