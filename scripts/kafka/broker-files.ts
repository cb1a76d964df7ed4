/** The files that a broker for tests wants: what Maven is to fetch, the settings of one small node, and little logging. */

interface NodeSettings {
  readonly port: number;
  readonly controllerPort: number;
  readonly data: string;
}

/** Releases from 4.0 log through log4j 2; none brings a backend along. */
function isFour(version: string): boolean {
  return !version.startsWith('3.');
}

export function pomOf(version: string): string {
  const log4j = 'org.apache.logging.log4j';
  const wanted = [
    ['org.apache.kafka', 'kafka_2.13', version],
    ...(isFour(version)
      ? [
          [log4j, 'log4j-api', '2.24.3'],
          [log4j, 'log4j-core', '2.24.3'],
          [log4j, 'log4j-slf4j-impl', '2.24.3'],
        ]
      : [
          ['org.slf4j', 'slf4j-reload4j', '1.7.36'],
          ['ch.qos.reload4j', 'reload4j', '1.2.25'],
        ]),
  ];
  const dependencies = wanted.map(
    ([group, artifact, release]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${release}</version></dependency>`,
  );
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '<modelVersion>4.0.0</modelVersion>',
    '<groupId>tidemark</groupId><artifactId>broker-for-tests</artifactId><version>1</version>',
    '<packaging>pom</packaging>',
    `<dependencies>${dependencies.join('\n')}</dependencies>`,
    '</project>',
  ].join('\n');
}

/** One node that is broker and controller. Internal topics are small, so that their first use is quick. */
export function propertiesOf({ port, controllerPort, data }: NodeSettings): string {
  const settings: Readonly<Record<string, string | number>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': data,
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 2,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 2,
    // Tests of sessions and of transactions that time out are to be quick.
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 500,
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': 500,
    // The default of 128 MiB does not fit into a small heap.
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    'log.index.size.max.bytes': 1_048_576,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

interface LogSettings {
  /** The name of the file, and the property of Java that points to it. */
  readonly file: string;
  readonly property: string;
  readonly text: string;
}

/** Warnings only, on standard error. */
export function quietLogs(version: string): LogSettings {
  return isFour(version)
    ? {
        file: 'log4j2.properties',
        property: 'log4j2.configurationFile',
        text: [
          'appender.out.type = Console',
          'appender.out.name = Out',
          'appender.out.target = SYSTEM_ERR',
          'rootLogger.level = warn',
          'rootLogger.appenderRef.out.ref = Out',
        ].join('\n'),
      }
    : {
        file: 'log4j.properties',
        property: 'log4j.configuration',
        text: [
          'log4j.rootLogger=WARN, out',
          'log4j.appender.out=org.apache.log4j.ConsoleAppender',
          'log4j.appender.out.target=System.err',
          'log4j.appender.out.layout=org.apache.log4j.SimpleLayout',
        ].join('\n'),
      };
}
