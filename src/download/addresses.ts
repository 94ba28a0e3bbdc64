/** What asking an address can come to: which failures are worth another try, and what each means for a person. */
import { HashgnnError } from '../base/errors.js';

/** Whether another try may help: a server that was never reached is rather named wrongly than away for a moment. */
export type Again = 'always' | 'once begun' | 'never';

/** A request that failed. */
export class RequestError extends HashgnnError {
  constructor(
    message: string,
    readonly again: Again,
    details: HashgnnError['details'],
    /** Seconds that the server asks to wait before the next try. */
    readonly after = 0,
  ) {
    super(message, details);
  }
}

const OTHER_WAY = 'or fetch the file with another program, put it into the folder, and run the command again';

/** Node's `fetch` passes proxies by unless it is told, and then only in newer versions. */
function proxyHint(): string {
  const { HTTPS_PROXY, https_proxy, HTTP_PROXY, http_proxy, NODE_USE_ENV_PROXY } = process.env;
  if (!(HTTPS_PROXY || https_proxy || HTTP_PROXY || http_proxy) || NODE_USE_ENV_PROXY) return '';
  return 'the proxy in the environment is used with NODE_USE_ENV_PROXY=1 alone, by Node 22.21 or 24 and later; ';
}

const unreachable: Record<string, string> = {
  ENOTFOUND: 'the name of the server cannot be found',
  EAI_AGAIN: 'names of servers cannot be looked up: there is no network, or no name server answers',
  ECONNREFUSED: 'the server refuses the connection',
  ENETUNREACH: 'there is no network to the server',
  EHOSTUNREACH: 'there is no way to the server',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer',
  ETIMEDOUT: 'the server does not answer',
};

const ofTls = /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/;

/**
 * A failure of `fetch` or of reading its body, as an error for people.
 * @param address what was asked for
 */
export function toRequestError(error: unknown, address: string): RequestError {
  const chain: { code?: unknown; message?: string }[] = [];
  for (let one = error; one instanceof Error && chain.length < 5; one = one.cause) chain.push(one);
  const code = chain.map((one) => one.code).find((one): one is string => typeof one === 'string') ?? '';
  const reason = chain.at(-1)?.message ?? String(error);
  const details = { where: address, cause: error };
  if (ofTls.test(code)) {
    return new RequestError(`the server cannot be trusted: ${reason} (${code})`, 'never', {
      ...details,
      fix: 'check the clock and the certificates of this machine (NODE_EXTRA_CA_CERTS names further ones)',
    });
  }
  if (unreachable[code]) {
    return new RequestError(unreachable[code], 'once begun', {
      ...details,
      fix: `${proxyHint()}check the network and run the command again, ${OTHER_WAY}`,
    });
  }
  const fix = 'name another address with --from';
  if (/redirect/.test(reason)) {
    return new RequestError(`the server sends from one address to the next: ${reason}`, 'never', { ...details, fix });
  }
  if (/port|scheme/.test(reason)) {
    return new RequestError(`no file can be asked for there: ${reason}`, 'never', { ...details, fix });
  }
  return new RequestError(`the connection broke off: ${reason}`, 'always', {
    ...details,
    fix: `run the command again, ${OTHER_WAY}`,
  });
}

/** An answer that is no file, as an error for people. */
export function refusal(response: Response, address: string): RequestError {
  const { status, statusText } = response;
  const said = `${status}${statusText ? ` ${statusText}` : ''}`;
  const details = { where: address };
  if (status === 404 || status === 410) {
    const fix = `look on the publisher's page where it has gone, and name that place with --from, ${OTHER_WAY}`;
    return new RequestError(`the server has no such file (${said})`, 'never', { ...details, fix });
  }
  if (status >= 500 || [408, 425, 429].includes(status)) {
    const after = Number(response.headers.get('retry-after') ?? 0) || 0;
    const fix = 'run the command again later, or name another place with --from';
    return new RequestError(`the server cannot serve the file now (${said})`, 'always', { ...details, fix }, after);
  }
  const fix = `name another place with --from, ${OTHER_WAY}`;
  return new RequestError(`the server refuses to give the file (${said})`, 'never', { ...details, fix });
}

/** An answer to a secure request from a place that anyone on the way could have put something else in. */
export function insecure(response: Response, address: string): RequestError {
  return new RequestError(`the server sends to an address without encryption: ${response.url}`, 'never', {
    where: address,
    fix: 'name another address with --from',
  });
}
