/** Bundles and minifies the imports of an application, for size-limit to measure. */
import { build } from 'esbuild';

const programs = {
  connect: "import { connect } from 'gemsocket'; globalThis.it = connect;",
  bus: "import { WebsocketRequestBus } from 'gemsocket'; globalThis.it = WebsocketRequestBus;",
  session: "import { connect } from 'gemsocket'; import { session } from 'gemsocket/session'; globalThis.it = [connect, session];",
  topics:
    "import { connect } from 'gemsocket'; import { session } from 'gemsocket/session'; import * as topics from 'gemsocket/topics'; globalThis.it = [connect, session, topics];",
  shared: "import { connect } from 'gemsocket/shared'; globalThis.it = connect;",
  everything: "import * as gemsocket from 'gemsocket'; globalThis.it = gemsocket;",
};

await Promise.all(
  Object.entries(programs).map(([name, contents]) =>
    build({
      stdin: { contents, resolveDir: import.meta.dirname },
      outfile: `.cache/size/${name}.js`,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
      platform: 'browser',
      logLevel: 'warning',
    }),
  ),
);
