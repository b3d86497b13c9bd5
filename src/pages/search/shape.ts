/** Something that a search found. */
export interface Found {
  /** What it is, in one word. */
  what: string
  name: string
  /** More about it; may be empty. */
  more: string
  href: string
}
