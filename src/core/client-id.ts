/** 104 bits of chance: unique enough to name a connection in a process or page. It is no secret. */
export function newId(random: () => number): string {
  const part = () => random().toString(36).slice(2, 12).padEnd(10, '0');
  return part() + part();
}
