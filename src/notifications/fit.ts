import type { Notification } from './told.ts'

/** The largest number up to `max` that is good; 0 if none is. If a number is good, all below it are. */
const largest = (max: number, isGood: (number: number) => boolean): number => {
  let [good, bad] = [0, max + 1]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (isGood(middle)) good = middle
    else bad = middle
  }
  return good
}

/**
 * The text of a message, so short that it `fits` what the service takes. Whole lines are left out from the end, and a line says how
 * many. Only a first line that is too long by itself is cut within. What says that the message is sent again always stays.
 */
export const fitText = ({ text, isRepeated }: Pick<Notification, 'text' | 'isRepeated'>, fits: (text: string) => boolean): string => {
  if (fits(text)) return text
  const lines = text.split('\n')
  const end = isRepeated ? lines.splice(-1) : []
  const cut = (left: number): string => (left === 0 ? '… cut' : `… cut: ${left} more line${left === 1 ? '' : 's'}`)
  const firstLines = (count: number): string => [...lines.slice(0, count), cut(lines.length - count), ...end].join('\n')
  const kept = largest(lines.length - 1, (count) => fits(firstLines(count)))
  if (kept > 0) return firstLines(kept)
  // By characters as people count them: half of an emoji is no text.
  const characters = [...(lines[0] ?? '')]
  const beginning = (count: number): string => [characters.slice(0, count).join(''), cut(lines.length - 1), ...end].join('\n')
  return beginning(largest(characters.length, (count) => fits(beginning(count))))
}
