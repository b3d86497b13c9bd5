import { z } from 'zod'
import type { Shape } from '../../http/route.ts'

/** No page repeats more of an address than this. */
const MAX_SHOWN = 60

/** The parameters of an address that a page does not understand, as `name=value`: their fields fall back to a default. */
export const unreadIn = (query: Shape, url: string): string[] => {
  const { searchParams } = new URL(url)
  return Object.entries(query).flatMap(([name, field]) => {
    const given = searchParams.get(name) ?? ''
    if (given === '' || !(field instanceof z.ZodCatch)) return []
    return (field.unwrap() as z.ZodType).safeParse(given).success ? [] : [`${name}=${given.slice(0, MAX_SHOWN)}`]
  })
}
