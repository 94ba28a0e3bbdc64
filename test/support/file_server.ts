/** A web server on this machine with files in memory, which can be told to misbehave. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers one request in the place of the file. */
export type Answer = (response: ServerResponse, content: Buffer, request: IncomingMessage, server: FileServer) => void;

export interface FileServer {
  /** Without a slash at the end. */
  readonly url: string;
  /** By path, with the slash at the beginning. */
  readonly files: Map<string, Buffer>;
  /** What answers the next requests for a path, one each; after them the file is served. */
  readonly answers: Map<string, Answer[]>;
  /** All requests until now. */
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** What happens to a connection when so many bytes of the file have been taken from it; see `taken`. */
  readonly turns: Map<number, () => void>;
  /** Told by who fetches: bytes that it has of the file. What is still on its way when a connection ends is lost. */
  taken(bytes: number): void;
  close(): Promise<void>;
}

export async function serveFiles(): Promise<FileServer> {
  const files = new Map<string, Buffer>();
  const answers = new Map<string, Answer[]>();
  const requests: FileServer['requests'] = [];
  const server = createServer((request, response) => {
    const path = request.url!;
    requests.push({ path, headers: request.headers });
    const content = files.get(path);
    const answer = answers.get(path)?.shift();
    const respond = answer ?? (content ? serve : status(404));
    respond(response, content ?? Buffer.alloc(0), request, fileServer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  const turns = new Map<number, () => void>();
  const taken = (bytes: number) => {
    const turn = turns.get(bytes);
    turns.delete(bytes);
    turn?.();
  };
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fileServer: FileServer = { url, files, answers, requests, turns, taken, close };
  return fileServer;
}

export const tagOf = (content: Buffer) => `"${createHash('sha256').update(content).digest('hex').slice(0, 16)}"`;

/** The file, or where it is asked for and the file is still the same one, the rest of it. */
export const serve: Answer = (response, content, { headers }) => {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  const etag = tagOf(content);
  if (from === 0 || headers['if-range'] !== etag) {
    response.writeHead(200, { etag, 'content-length': content.length }).end(content);
  } else if (from >= content.length) {
    response.writeHead(416, { 'content-range': `bytes */${content.length}` }).end();
  } else {
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    const rest = content.subarray(from);
    response.writeHead(206, { etag, 'content-range': range, 'content-length': rest.length }).end(rest);
  }
};

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end('<html>not the file</html>');

type HeadersOf = (content: Buffer) => Record<string, string>;
const tagged: HeadersOf = (content) => ({ etag: tagOf(content) });

/** Promises the file and sends its first bytes; when they are taken, `then` happens to the connection. */
export const begun =
  (bytes: number, then: (response: ServerResponse) => void = () => {}, headers: HeadersOf = tagged): Answer =>
  (response, content, _, { turns }) => {
    turns.set(bytes, () => then(response));
    response.writeHead(200, { 'content-length': content.length, ...headers(content) });
    response.write(content.subarray(0, bytes));
  };

/** The connection ends after so many bytes. */
export const cut = (bytes: number, headers?: HeadersOf): Answer =>
  begun(bytes, (response) => response.socket?.end(), headers);

/** The connection ends without an answer. */
export const hangUp: Answer = (response) => response.socket?.end();
