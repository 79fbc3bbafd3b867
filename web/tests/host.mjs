// A plain file host with the page in a folder: `node tests/host.mjs FOLDER PORT PREFIX`. It knows only
// the media types that such hosts know surely, so WebAssembly goes out as plain bytes.
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';

const [folder, port, prefix] = process.argv.slice(2);
const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

createServer((request, response) => {
  const path = normalize(new URL(request.url, 'http://host').pathname);
  const file = join(resolve(folder), path.slice(prefix.length) || 'index.html');
  const there = path.startsWith(prefix) && statSync(file, { throwIfNoEntry: false })?.isFile();
  if (!there) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
}).listen(Number(port), '127.0.0.1');
