import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const ROOT = join(import.meta.dirname, '../../..')

/** Every guide, as a path from the root of the repository. */
export const GUIDES = readdirSync(join(ROOT, 'src/docs')).map((name) => `src/docs/${name}`)

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** The code blocks of a file in this language, in order; with a heading, only those after it. Throws if there is none. */
export const blocksOf = (path: string, language: string, heading = ''): string[] => {
  const text = readText(path)
  if (!text.includes(heading)) throw new Error(`${path} has no heading ${heading}`)
  const blocks = [...text.slice(text.indexOf(heading)).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, given]) => given === language)
    .map(([, , code = '']) => code)
  if (blocks.length === 0) throw new Error(`${path} has no ${language} block`)
  return blocks
}
