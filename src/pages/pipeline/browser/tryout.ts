import { grouped } from '../../../core/figures.ts'
import { addressWith } from '../../frame/browser/address.ts'
import { MOMENT } from '../../frame/browser/moment.ts'
import { REFRESHED } from '../../frame/browser/refreshed.ts'
import { send } from '../../frame/browser/send.ts'
import type { Tried } from '../shape.ts'

/** What rules would have flagged: the form below the chart, and the suggestions for a pipeline without a rule. Nothing is written. */

interface Preview {
  runs: number
  flagged: Tried[]
  rate: number
  flagged_by_present: number | null
}

/** While the reader moves the slider, one question at a time is enough. */
const PAUSE_MILLIS = 200
const SHOWN_RUNS = 5

const ask = (body: unknown) =>
  send({ method: 'POST', path: '/anomaly_detection_rule/preview', body: JSON.stringify(body) }) as Promise<Preview>

const inWords = ({ runs, flagged, rate }: Preview): string =>
  runs === 0
    ? 'No run has enough earlier ones to be judged.'
    : `${grouped(flagged.length)} of ${grouped(runs)} judged runs (${grouped(rate * 100, 1)} %)`

/** The values that the reader has chosen: a refresh of the page must not take them away. */
let chosen: { method: string; multiplier: string } | undefined
/** What was asked last, about which runs: only the answer to that counts. */
let asked = ''
let timer: ReturnType<typeof setTimeout> | undefined

/** Calls `show` with the runs that the form's rule would have flagged, whenever that changes. */
export const watchTryOut = (show: (tried: readonly Tried[]) => void): void => {
  const form = () => document.getElementById('tryout') as HTMLFormElement | null
  const tell = (text: string, flagged: readonly Tried[]) => {
    const [status, list] = ['tried', 'tried-runs'].map((id) => document.getElementById(id))
    if (status) status.textContent = text
    list?.replaceChildren(
      ...flagged.slice(-SHOWN_RUNS).map(({ pipeline_execution_id: id, start_date, explanation }) => {
        const [item, link] = [document.createElement('li'), document.createElement('a')]
        link.href = addressWith({ execution: String(id) }, ['before'])
        link.textContent = MOMENT.format(new Date(start_date))
        item.append(link, `: ${explanation}`)
        return item
      }),
    )
    show(flagged)
  }

  /** The rule that the form says; its button writes it, and the slider's width is told. */
  const read = (given: HTMLFormElement, { method, multiplier }: NonNullable<typeof chosen>) => {
    const rule = { ...JSON.parse(given.dataset.subject ?? '{}'), method, std_deviation_threshold_multiplier: Number(multiplier) }
    const button = given.querySelector<HTMLButtonElement>('button.action')
    if (button) button.dataset.body = JSON.stringify(given.dataset.activates ? { ...rule, active: true } : rule)
    ;(given.elements.namedItem('width') as HTMLOutputElement).value = `${multiplier} ×`
    return rule
  }

  const tryIt = async (): Promise<void> => {
    const given = form()
    if (!given || !chosen || given.closest('details')?.open !== true) return
    const body = { ...read(given, chosen), days: Number(given.dataset.days) }
    const question = JSON.stringify(body) + document.getElementById('history-points')?.textContent
    if (question === asked) return
    asked = question
    const answer = await ask(body).catch((error: Error) => error.message)
    if (question !== asked) return
    if (typeof answer === 'string') {
      asked = ''
      return tell(answer, [])
    }
    const present = answer.flagged_by_present
    const beside = present === null ? '' : ` The present rule has flagged ${grouped(present)} of them.`
    const rings = answer.flagged.length > 0 ? ' Rings in the chart show them; the newest:' : ''
    tell(answer.runs === 0 ? inWords(answer) : `It would have flagged ${inWords(answer)}.${beside}${rings}`, answer.flagged)
  }

  /** Reads the form, or puts back what the reader has chosen. */
  const restore = () => {
    const given = form()
    if (!given) return
    const [method, multiplier] = ['method', 'multiplier'].map((name) => given.elements.namedItem(name) as HTMLInputElement)
    if (!method || !multiplier) return
    if (chosen) [method.value, multiplier.value] = [chosen.method, chosen.multiplier]
    else chosen = { method: method.value, multiplier: multiplier.value }
    read(given, chosen)
    void tryIt()
  }
  document.addEventListener('input', ({ target }) => {
    const given = form()
    if (!given || !(target instanceof Element) || !given.contains(target)) return
    const values = new FormData(given)
    chosen = { method: String(values.get('method')), multiplier: String(values.get('multiplier')) }
    read(given, chosen)
    clearTimeout(timer)
    timer = setTimeout(tryIt, PAUSE_MILLIS)
  })
  // It does not bubble. The form may come with a refresh.
  document.addEventListener(
    'toggle',
    ({ target }) => {
      if (!(target instanceof HTMLDetailsElement) || !target.contains(form())) return
      asked = ''
      if (target.open) void tryIt()
      else show([])
    },
    true,
  )
  addEventListener(REFRESHED, restore)
  restore()
}

/** Fills in what suggested rules would have flagged; a refresh leaves what is there, and asks again where there was no answer. */
const fillSuggestions = async (): Promise<void> => {
  for (const output of document.querySelectorAll<HTMLOutputElement>('output[data-suggests]:not([data-answered])')) {
    await ask(JSON.parse(output.dataset.suggests ?? '{}')).then(
      (answer) => {
        output.textContent = inWords(answer)
        output.dataset.answered = ''
      },
      (error: Error) => {
        output.textContent = error.message
      },
    )
  }
}
void fillSuggestions()
addEventListener(REFRESHED, () => void fillSuggestions())
