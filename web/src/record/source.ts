// Where a run comes from: a file that the reader drops, what the page's host serves, a scenario in the address.

/** The scenario in an address: JSON as it is, or in base64url as the command writes it. */
export function scenario_of(text: string): object {
  const json = text.trimStart().startsWith('{') ? text : decode(text);
  try {
    return JSON.parse(json) as object;
  } catch {
    throw new Error('the scenario in the address is torn: copy the whole address again');
  }
}

function decode(text: string): string {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
    return new TextDecoder().decode(bytes);
  } catch {
    throw new Error('the scenario in the address is neither JSON nor base64: copy the whole address again');
  }
}

/** The same, as the command writes it. */
export function address_of(scenario: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(scenario));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** The largest recording that is read, in bytes; the core says the same. */
const LARGEST = 1 << 28;

/** A recording that lies beside the page on its host, such as `run`. */
export async function beside(name: string): Promise<ArrayBuffer> {
  if (!/^[\w.-]+$/.test(name)) throw new Error(`run is “${name}”, but must be the name of a file beside the page`);
  const response = await fetch(`./${name}`);
  if (!response.ok) throw new Error(`there is no recording “${name}” beside the page (${response.status}); rumormill explore FILE serves one`);
  return response.arrayBuffer();
}

export async function dropped(file: File): Promise<ArrayBuffer> {
  if (file.size > LARGEST) throw new Error(`${file.name} has ${Math.round(file.size / 2 ** 20)} MB, but a page takes at most ${LARGEST / 2 ** 20}; rumormill replay takes more`);
  return file.arrayBuffer();
}
