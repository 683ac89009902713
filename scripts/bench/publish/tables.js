// @ts-check
// The tables of BENCHMARKS.md, "Publishing".

/** @typedef {{ to: string, count: number, files: number, bytes: number, median: number, left: number }} FolderRow */
/** @typedef {import('./slow-proxy.js').Traffic} Traffic */
/** @typedef {{ service: string, to: string, count: number, traffic: Traffic, seconds: number[], again: Traffic }} BucketRow */

const mebibytes = (/** @type {number} */ bytes) => (bytes / 2 ** 20).toFixed(2);
const total = (/** @type {Traffic} */ { requests: { lock: _, ...others } }) =>
  Object.values(others).reduce((sum, each) => sum + each, 0);

/** @param {readonly FolderRow[]} rows */
export function folderTable(rows) {
  const lines = rows.map(({ to, count, files, bytes, median, left }) => {
    const first = rows.find((row) => row.to === to)?.bytes ?? bytes;
    return `| ${to} | ${count} | ${files} | ${mebibytes(bytes)} | ${(bytes / first).toFixed(2)} x | ${median.toFixed(2)} | ${left} |`;
  });
  return [
    '| repository | packages in it | files stored | MiB stored | of 10 packages | s | files stored again |',
    '|---|---:|---:|---:|---:|---:|---:|',
    ...lines,
  ].join('\n');
}

/** @param {readonly BucketRow[]} rows @param {readonly number[]} latencies in milliseconds */
export function bucketTable(rows, latencies) {
  const lines = rows.map(({ service, to, count, traffic, seconds, again }) => {
    const first = rows.find((row) => row.to === to && row.service === service)?.traffic ?? traffic;
    const { list, read, write } = traffic.requests;
    const ratios = [
      total(traffic) / total(first),
      (traffic.sent + traffic.received) / (first.sent + first.received),
    ];
    const cells = [
      ...[`${to}, ${service}`, count, list, read, write],
      ...[
        mebibytes(traffic.sent),
        mebibytes(traffic.received),
        ...ratios.map((each) => `${each.toFixed(2)} x`),
      ],
      ...seconds.map((each) => each.toFixed(1)),
      ...[again.requests.write, (again.received / 2 ** 10).toFixed(0)],
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    `| repository | packages in it | lists | reads | writes | MiB sent | MiB received | requests, of 10 | bytes, of 10 | ${latencies.map((each) => `s at ${each} ms`).join(' | ')} | again: writes | again: KiB received |`,
    `|---|${'---:|'.repeat(10 + latencies.length)}`,
    ...lines,
  ].join('\n');
}
