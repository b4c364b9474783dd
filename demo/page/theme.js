/* A classic script in the head: it runs before the first paint. Only an explicit choice is remembered; the default is the system's theme. */
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const chosen = () => {
    try {
      return localStorage.getItem('theme');
    } catch {
      return null; // no access to storage: use the system's theme
    }
  };
  const isDark = () => (chosen() ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const apply = (dark) => {
    root.dataset.theme = dark ? 'dark' : 'light';
    document.getElementById('theme')?.setAttribute('aria-pressed', String(dark));
    root.dispatchEvent(new Event('themechange'));
  };

  apply(isDark());
  system.addEventListener('change', () => apply(isDark()));
  addEventListener('DOMContentLoaded', () => {
    apply(isDark());
    document.getElementById('theme').addEventListener('click', () => {
      const dark = root.dataset.theme !== 'dark';
      try {
        localStorage.setItem('theme', dark ? 'dark' : 'light');
      } catch {
        // no access to storage: keep the choice for this visit
      }
      apply(dark);
    });
  });
})();
