import { z } from '@hono/zod-openapi'
import { clearable, idField, nameField } from './fields.ts'

/** The row that a PATCH changes: by its id, or by its current name. */
export type Target = { id: number } | { name: string }

/**
 * The body of a PATCH: `id` (or `name`, if there is no id) and the fields to change. With an id, `name` is the new name.
 * `idAliases` are other names of `id`.
 */
export const patchBody = <Fields extends z.ZodRawShape>(what: string, fields: Fields, idAliases: string[] = []) => {
  const aliases = Object.fromEntries(idAliases.map((alias) => [alias, clearable(idField('Another name of `id`.'))]))
  return z
    .object({
      ...aliases,
      id: clearable(idField(`The ${what} to change; without an id, \`name\` identifies the ${what}.`)),
      name: nameField(`The new name; if there is no id, the current name.`, `daily-${what.replace(' ', '-')}`).optional(),
      ...fields,
    })
    .transform((body, context) => {
      const { id, name, ...changes } = body as Record<string, unknown> & { id?: number | null; name?: string }
      const given = id ?? idAliases.map((alias) => changes[alias]).find((value) => value !== undefined && value !== null)
      for (const alias of idAliases) delete changes[alias]
      const found = typeof given === 'number' ? { id: given } : name === undefined ? undefined : { name }
      if (!found) context.addIssue({ code: 'custom', path: ['id'], message: `Required: the id of the ${what}, or its name in \`name\`` })
      const renamed = 'id' in (found ?? {}) && name !== undefined ? { name } : {}
      return {
        target: (found ?? { id: 0 }) as Target,
        changes: { ...changes, ...renamed } as Partial<z.output<z.ZodObject<Fields>>> & { name?: string },
      }
    })
}

/** For a sentence: `Pipeline 12 not found`, `Pipeline "orders" not found`. */
export const describeTarget = (what: string, target: Target): string =>
  'id' in target ? `${what} ${target.id} not found` : `${what} ${JSON.stringify(target.name)} not found`
