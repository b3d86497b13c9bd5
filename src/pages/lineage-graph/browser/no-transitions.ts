import { selection } from 'd3-selection'

/**
 * What the script has in the place of d3-transition, which d3-zoom imports (`alias` in tools/assets.ts): the drawing moves without
 * transitions, so there is none to interrupt. The script is 9 KiB smaller, compressed.
 */
export const interrupt = (): void => {}

const prototype = selection.prototype as { interrupt: () => unknown }
prototype.interrupt = function (this: unknown) {
  return this
}
