import { expect } from 'vitest'
import { isFlapping } from './channels.ts'
import type { Model } from './model.ts'
import type { Service } from './service.ts'
import type { Incident } from './world.ts'

export const timeOf = (instant: number): string => new Date(instant).toISOString().slice(5, 19)

/** Expects that the service has the model's incidents, and has told each channel what the model tells it. */
export const compare = async (model: Model, service: Service, about: string): Promise<void> => {
  const rows = await service.incidents()
  const nameOfRow = new Map(rows.map((row) => [row.id, nameOf(row.kind, row.pipeline_name, Date.parse(row.opened_at))]))
  const real = rows.map((row) => ({
    what: String(nameOfRow.get(row.id)),
    state: row.state,
    by: row.resolved_by,
    occurrences: occurrencesOf(row.pipeline_name, row.occurrences),
    causedBy: row.caused_by === null ? null : nameOfRow.get(row.caused_by),
  }))
  const expected = model.register.incidents.map((incident) => ({
    what: nameOfIncident(incident),
    state: incident.state,
    by: incident.resolvedBy === 'person' ? 'anyone' : incident.resolvedBy,
    occurrences: occurrencesOf(incident.pipeline?.name ?? null, incident.occurrences),
    causedBy: incident.causedBy && nameOfIncident(incident.causedBy),
  }))
  expect(sorted(real), about).toEqual(sorted(expected))

  const messages = await service.messages()
  const flapping = new Set(model.register.incidents.filter(isFlapping).map(nameOfIncident))
  for (const channel of model.channels) {
    const told = messages[channel.name].map(({ id, what }) => ({ incident: String(nameOfRow.get(id)), what }))
    const due = channel.messages.map(({ incident, what }) => ({ incident: nameOfIncident(incident), what }))
    expect(byIncident(told, flapping), `${channel.name}, ${about}`).toEqual(byIncident(due, flapping))
  }
}

/** Watcher's own incident is dated by its last check, which may be any of the minutes before: it goes by its day and hour. */
const nameOf = (kind: string, pipeline: string | null, openedAt: number): string =>
  pipeline === null ? `${kind} ${timeOf(openedAt).slice(0, 8)}` : `${kind} ${pipeline} ${timeOf(openedAt)}`

const nameOfIncident = ({ kind, pipeline, openedAt }: Incident): string => nameOf(kind, pipeline?.name ?? null, openedAt)

/** Two checks at once may both see that the service was away. */
const occurrencesOf = (pipeline: string | null, occurrences: number): number => (pipeline === null ? 1 : occurrences)

const sorted = <Row extends { what: string }>(rows: Row[]): Row[] => rows.sort((one, other) => one.what.localeCompare(other.what))

/** What was told of each incident, in order. Without Watcher's own: it may be over before it is told. */
const byIncident = (messages: { incident: string; what: string }[], without: Set<string>): Record<string, string[]> => {
  const found: Record<string, string[]> = {}
  for (const { incident, what } of messages) {
    if (!without.has(incident) && !incident.startsWith('queue')) found[incident] = [...(found[incident] ?? []), what]
  }
  return Object.fromEntries(Object.entries(found).sort(([one], [other]) => one.localeCompare(other)))
}
