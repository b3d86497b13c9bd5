interface HeadProps {
  title: string
  styles: readonly string[]
  scripts?: readonly string[]
  /** The deployment's version: a new deployment's pages must not run scripts that the browser has cached from an old one. */
  version: string | undefined
}

/** The head of every page, with its styles and scripts in this order. */
export const Head = ({ title, styles, scripts = [], version }: HeadProps) => {
  const asset = (name: string) => `/static/${name}${version ? `?v=${version}` : ''}`
  return (
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/static/favicon.svg" />
      {styles.map((name) => (
        <link rel="stylesheet" href={asset(`${name}.css`)} />
      ))}
      <title>{title} · Watcher</title>
      {scripts.map((name) => (
        <script type="module" src={asset(`${name}.js`)} />
      ))}
    </head>
  )
}
