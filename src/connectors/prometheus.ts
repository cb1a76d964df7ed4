/**
 * Metrics as the text that Prometheus reads. `prom-client` is an optional peer, loaded when the first text is asked for,
 * and every run has a registry of its own: the global one of that package is never touched.
 */
import type * as PromClient from 'prom-client';
import { TidemarkError } from '../core/errors.js';
import { metricFamilies, type MetricFamily, type RunMetrics } from '../runtime/metrics.js';

/** Writes metrics of one run as text. */
export interface PrometheusText {
  readonly contentType: string;
  of(metrics: RunMetrics): Promise<string>;
}

/** @throws TidemarkError PACKAGE_MISSING */
export async function prometheusText(): Promise<PrometheusText> {
  const client = await loadClient();
  const registry = new client.Registry();
  const known = new Map<string, PromClient.Counter | PromClient.Gauge>();
  const metricOf = ({
    name,
    help,
    type,
    samples,
  }: MetricFamily): PromClient.Counter | PromClient.Gauge => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const labelNames = Object.keys(samples[0]?.labels ?? {});
    const settings = { name, help, labelNames, registers: [registry] };
    const made = type === 'counter' ? new client.Counter(settings) : new client.Gauge(settings);
    known.set(name, made);
    return made;
  };
  return {
    contentType: registry.contentType,
    async of(metrics) {
      for (const metric of known.values()) metric.reset();
      for (const family of metricFamilies(metrics)) {
        const metric = metricOf(family);
        // A counter of ours is a total already, and counts from 0 after its reset.
        for (const { labels, value } of family.samples) metric.inc(labels, value);
      }
      return registry.metrics();
    },
  };
}

async function loadClient(): Promise<typeof PromClient> {
  try {
    return await import('prom-client');
  } catch (cause) {
    throw new TidemarkError('PACKAGE_MISSING', {
      expected: 'the package prom-client, which writes metrics for Prometheus',
      got: 'none that can be loaded',
      where: 'metrics',
      hint: 'npm install prom-client beside tidemark.',
      cause,
    });
  }
}
