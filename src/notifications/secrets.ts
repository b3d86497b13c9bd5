import { decodeBase64, encodeBase64 } from '../core/base64.ts'

/**
 * The secrets of channels at rest: AES-256-GCM with a fresh nonce for each. The additional data is an id that is stored beside the
 * secrets, so that nobody can move them to another row unnoticed. The text is `nonce.ciphertext`, both in base64.
 */

type Key = Uint8Array<ArrayBuffer>

const NONCE_BYTES = 12

const importKey = (key: Key, usage: 'encrypt' | 'decrypt') => crypto.subtle.importKey('raw', key, 'AES-GCM', false, [usage])

/** Encrypts with the key. */
export const seal = async (key: Key, id: string, secrets: Record<string, string>): Promise<string> => {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES))
  const sealed = await crypto.subtle.encrypt(
    { name: 'AES-GCM', iv: nonce, additionalData: new TextEncoder().encode(id) },
    await importKey(key, 'encrypt'),
    new TextEncoder().encode(JSON.stringify(secrets)),
  )
  return `${encodeBase64(nonce)}.${encodeBase64(new Uint8Array(sealed))}`
}

/** Decrypts with the first key that fits, so that keys can be rotated; undefined if none does. */
export const unseal = async (keys: readonly Key[], id: string, text: string): Promise<Record<string, string> | undefined> => {
  const [nonce = '', sealed = ''] = text.split('.')
  for (const key of keys) {
    try {
      const opened = await crypto.subtle.decrypt(
        { name: 'AES-GCM', iv: decodeBase64(nonce), additionalData: new TextEncoder().encode(id) },
        await importKey(key, 'decrypt'),
        decodeBase64(sealed),
      )
      return JSON.parse(new TextDecoder().decode(opened)) as Record<string, string>
    } catch {
      // another key
    }
  }
  return undefined
}
