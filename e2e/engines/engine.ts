/** A page that a test has to itself: as much of one as the driver of every engine can give. */
export interface Tab extends AsyncDisposable {
  /** Of the browser. */
  readonly version: string;
  goto(url: string): Promise<void>;
  /** Runs the function in the page, from its source: it knows its argument and the globals of the page. JSON passes, both ways. */
  evaluate<Result>(call: () => Result | Promise<Result>): Promise<Result>;
  evaluate<Given, Result>(call: (given: Given) => Result | Promise<Result>, given: Given): Promise<Result>;
}

/** A browser, whoever drives it. */
export interface Engine extends AsyncDisposable {
  open(): Promise<Tab>;
}
