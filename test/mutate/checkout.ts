import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** The developer's checkout; nothing in it is changed. */
export const HERE = join(import.meta.dirname, '../..')

/** Copies the checkout as it is, committed or not, into the temporary folder; its packages are linked. */
export const copyCheckout = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'watcher-mutate-'))
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'], {
    cwd: HERE,
    encoding: 'utf8',
  })
  const deleted = execFileSync('git', ['ls-files', '-z', '--deleted'], { cwd: HERE, encoding: 'utf8' }).split('\0')
  for (const name of names.split('\0').filter((name) => name !== '' && !deleted.includes(name))) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    cpSync(join(HERE, name), join(folder, name))
  }
  symlinkSync(join(HERE, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true })
