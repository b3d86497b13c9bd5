/** Measures twenty round trips to the database, one after the other. */
const PROBES = 20

const button = document.getElementById('probe') as HTMLButtonElement | null
const output = document.getElementById('probed') as HTMLOutputElement | null

const percentile = (sorted: number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

button?.addEventListener('click', async () => {
  if (!output) return
  button.disabled = true
  const taken: number[] = []
  let failed = 0
  for (let done = 0; done < PROBES; done += 1) {
    output.textContent = `${done} of ${PROBES} …`
    try {
      const response = await fetch('/diagnostics/probe')
      const { database_ms: millis } = (await response.json()) as { database_ms?: number }
      if (millis === undefined) failed += 1
      else taken.push(millis)
    } catch {
      failed += 1
    }
  }
  taken.sort((left, right) => left - right)
  const summary =
    taken.length > 0
      ? `fastest ${taken[0]} ms, median ${percentile(taken, 0.5)} ms, 95th percentile ${percentile(taken, 0.95)} ms, slowest ${taken.at(-1)} ms`
      : ''
  const fault = failed > 0 ? `${failed} of ${PROBES} failed: see the service's log` : ''
  output.textContent = [summary, fault].filter(Boolean).join('; ')
  button.disabled = false
})
