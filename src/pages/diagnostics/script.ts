/** Twenty round trips to the database, one after the other, and how long they took. */
const PROBES = 20

const button = document.getElementById('probe') as HTMLButtonElement | null
const output = document.getElementById('probed') as HTMLOutputElement | null

const at = (sorted: number[], share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN

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
  const said =
    taken.length > 0 ? `least ${taken[0]}, half within ${at(taken, 0.5)}, 95 % within ${at(taken, 0.95)}, most ${taken.at(-1)} ms` : ''
  output.textContent = [said, failed > 0 ? `${failed} of ${PROBES} were not answered` : ''].filter(Boolean).join('; ')
  button.disabled = false
})
