import { until } from '../../test/support/until.js';

/** A page that a test has to itself: as much of one as the driver of every engine can give. */
export interface Tab extends AsyncDisposable {
  /** Of the browser. */
  readonly version: string;
  goto(url: string): Promise<void>;
  /** Runs the function in the page, from its source: it knows its argument and the globals of the page. JSON passes, both ways. */
  evaluate<Result, Given = undefined>(call: (given: Given) => Result | Promise<Result>, given?: Given): Promise<Result>;
}

/** A browser, whoever drives it. */
export interface Engine extends AsyncDisposable {
  open(): Promise<Tab>;
}

/** Back to the page before, from wherever its engine has kept it. */
export async function goBack(tab: Tab): Promise<void> {
  const here = await tab.evaluate(() => location.href);
  await tab.evaluate(() => {
    setTimeout(() => history.back(), 50); // after the answer: Firefox loses one that a page left
  });
  const isElsewhere = async () => (await tab.evaluate(() => location.href)) !== here;
  await until(() => isElsewhere().catch(() => false), 'the tab has gone back');
}
