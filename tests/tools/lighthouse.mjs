// Looks at pages, one after the other: each line of the input names one, each line of the output is its report.
import { createInterface } from "node:readline";

const [entry, port] = process.argv.slice(2);
const { default: lighthouse, desktopConfig } = await import(entry);

for await (const line of createInterface({ input: process.stdin })) {
  const { url, desktop, categories } = JSON.parse(line);
  // The screenshot is for people who read a report; no audit looks at it.
  const flags = { port: Number(port), onlyCategories: categories, disableFullPageScreenshot: true, logLevel: "error" };
  const { lhr } = await lighthouse(url, flags, desktop ? desktopConfig : undefined);
  process.stdout.write(`${JSON.stringify(lhr)}\n`);
}
