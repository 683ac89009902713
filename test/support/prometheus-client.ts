import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type Agent, type IncomingHttpHeaders, request } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { expect } from 'vitest';

/** A metric as a scraper reads it. */
export interface Family {
  name: string;
  help: string;
  type: string;
  metrics: { value: string; labels?: Record<string, string> }[];
}

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A running `prom-test serve`. */
export interface Server {
  process: ChildProcess;
  port: number;
  /** Its output on stderr so far. */
  errors: () => string;
}

export const parseMetrics = createRequire(import.meta.url)('parse-prometheus-text-format') as (
  t: string,
) => Family[];
export const run = promisify(execFile);
export const client = path.resolve(import.meta.dirname, '../../patches/prometheus-client');
export const fixtures = path.resolve(import.meta.dirname, '../fixtures/prometheus-client');

async function needs(debianPackage: string, command: string, ...args: string[]): Promise<void> {
  await run(command, args).catch((cause: unknown) => {
    throw new Error(`This test needs the Debian package ${debianPackage}: apt-get install ${debianPackage}`, {
      cause,
    });
  });
}

/** @throws Error with the missing Debian package if the client cannot be compiled */
export async function needsCompiler(): Promise<void> {
  await needs('gcc', 'gcc', '--version');
  await needs('make', 'make', '--version');
  await needs('libmicrohttpd-dev', 'gcc', '-E', '-include', 'microhttpd.h', '-x', 'c', '/dev/null');
}

/** Compiles `prom-test` together with the client, optionally with a sanitizer. */
export async function buildTogether(program: string, ...flags: string[]): Promise<void> {
  const sources = ['prom.c', 'promhttp.c'].map((name) => path.join(client, name));
  const usual = ['-std=gnu11', '-g', '-pthread', `-I${client}`];
  const test = path.join(fixtures, 'prom-test.c');
  await run('gcc', [...usual, ...flags, '-o', program, test, ...sources, '-lmicrohttpd']);
}

/** The metric in a scrape. @throws Error if it is missing */
export function family(text: string, name: string): Family {
  const found = parseMetrics(text).find((candidate) => candidate.name === name);
  if (found === undefined) {
    throw new Error(`${name} is missing from:\n${text.slice(0, 10_000)}`);
  }
  return found;
}

export function value(text: string, name: string, labels?: Record<string, string>): string | undefined {
  const series = family(text, name).metrics.filter(
    (metric) => JSON.stringify(metric.labels ?? {}) === JSON.stringify(labels ?? {}),
  );
  expect(series.length).toBeLessThanOrEqual(1);
  return series[0]?.value;
}

interface ServeOptions {
  address?: string;
  port?: number;
  files?: number;
  /** With long names, in each of eight metrics. */
  users?: number;
}

/** Starts `prom-test serve` and waits until it listens. @throws Error with its exit code and stderr */
export async function serve(program: string, options: ServeOptions = {}): Promise<Server> {
  const env = { ...process.env };
  delete env.TURNSERVER_PROMETHEUS_ADDRESS;
  if (options.address !== undefined) {
    env.TURNSERVER_PROMETHEUS_ADDRESS = options.address;
  }
  const numbers = [options.port ?? 0, options.files ?? 0, options.users ?? 0].map(String);
  const child = spawn(program, ['serve', ...numbers], { env });
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const exited = once(child, 'close').then(([code]) => {
    throw new Error(`prom-test exited with code ${code}: ${errors}`);
  });
  const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), exited])) as [string];
  exited.catch(() => undefined);
  return { process: child, port: Number(line), errors: () => errors };
}

export async function stop(server: Server): Promise<number | null> {
  const closed = once(server.process, 'close');
  server.process.stdin?.end();
  const [code] = (await closed) as [number | null];
  return code;
}

interface AskOptions {
  host?: string;
  path?: string;
  method?: string;
  agent?: Agent;
  body?: string;
  headers?: Record<string, string>;
}

export function ask(port: number, options: AskOptions = {}): Promise<Answer> {
  const { host = '127.0.0.1', path: url = '/metrics', method = 'GET', agent, body, headers = {} } = options;
  return new Promise((resolve, reject) => {
    const sent = request(
      { host, port, path: url, method, headers, ...(agent ? { agent } : {}) },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (data: string) => {
          text += data;
        });
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
        );
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

export async function residentKiB(server: Server): Promise<number> {
  const status = await readFile(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}
