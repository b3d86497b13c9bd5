/** Reading of facets: what is not as the specification says counts as missing. */
export type Json = Record<string, unknown>

export const objectIn = (from: unknown, name: string): Json | undefined => {
  const value = (from as Json | undefined | null)?.[name]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
}
export const textIn = (from: unknown, name: string): string | undefined => {
  const value = (from as Json | undefined | null)?.[name]
  return typeof value === 'string' ? value : undefined
}
export const listIn = (from: unknown, name: string): unknown[] => {
  const value = (from as Json | undefined | null)?.[name]
  return Array.isArray(value) ? value : []
}
/** A whole number from 0 to 2^53. */
export const wholeIn = (from: unknown, name: string): number | undefined => {
  const value = (from as Json | undefined | null)?.[name]
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 2 ** 53 ? value : undefined
}

const MAX_OWNER = 150

/** The first owner of the facet `ownership`, without the kind before it: `team:data` is `data`. */
export const ownerIn = (facets: Json): string | undefined => {
  const name = textIn(listIn(objectIn(facets, 'ownership'), 'owners')[0], 'name')?.trim()
  const owner = name?.replace(/^(team|user|group|owner):/i, '').trim()
  return owner ? owner.slice(0, MAX_OWNER).toWellFormed() : undefined
}

const MAX_ERROR = 10_000

/** Why a run failed, and how well that source tells it; undefined: the event says nothing of an error. */
export const errorIn = (event: Json, runFacets: Json): { text: string; rank: number } | undefined => {
  const message = textIn(objectIn(runFacets, 'errorMessage'), 'message')
  const spark = sparkExceptionIn(runFacets)
  const assertion = failedAssertionsIn(event)
  const [text, rank] = message ? [message, 3] : spark ? [spark, 2] : [assertion, 1]
  return text ? { text: text.slice(0, MAX_ERROR).toWellFormed(), rank } : undefined
}

const sparkExceptionIn = (facets: Json): string | undefined => {
  const facet = objectIn(facets, 'spark.exception') ?? objectIn(facets, 'spark_exception') ?? objectIn(facets, 'sparkException')
  return textIn(facet, 'message') ?? textIn(facet, 'stackTrace') ?? textIn(facet, 'stacktrace') ?? textIn(facet, 'exception')
}

const failedAssertionsIn = (event: Json): string | undefined => {
  const failed = [...listIn(event, 'inputs'), ...listIn(event, 'outputs')].flatMap((dataset) => {
    const facet =
      objectIn(objectIn(dataset, 'inputFacets'), 'dataQualityAssertions') ?? objectIn(objectIn(dataset, 'facets'), 'dataQualityAssertions')
    return listIn(facet, 'assertions')
      .filter((assertion) => (assertion as Json | null)?.success === false)
      .map((assertion) => {
        const column = textIn(assertion, 'column')
        return `${textIn(assertion, 'assertion') ?? 'assertion'}${column ? ` of ${column}` : ''} in ${textIn(dataset, 'name') ?? 'a dataset'}`
      })
  })
  return failed.length > 0 ? `Failed: ${failed.join(', ')}` : undefined
}
