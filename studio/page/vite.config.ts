import { readFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** Puts code and style into the page, so that it is one file that opens by double click. */
function single(): Plugin {
    return {
        name: 'single-file',
        enforce: 'post',
        generateBundle(_, bundle) {
            const page = bundle['index.html'];
            if (page?.type !== 'asset') return;
            let html = String(page.source);
            for (const [name, part] of Object.entries(bundle)) {
                if (name === 'index.html') continue;
                const text = part.type === 'chunk' ? part.code : String(part.source);
                const tag =
                    part.type === 'chunk'
                        ? `<script type="module">${text.replaceAll('</script', '<\\/script')}</script>`
                        : `<style>${text}</style>`;
                const link = new RegExp(`<(script|link)[^>]*${name.replaceAll('.', '\\.')}[^>]*>(</script>)?`);
                html = html.replace(link, () => tag);
                delete bundle[name];
            }
            page.source = html;
            page.fileName = 'soma-studio.html';
        },
    };
}

const packageFile = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string };

export default defineConfig(({ mode }) => ({
    base: './',
    define: { __VERSION__: JSON.stringify(packageFile.version) },
    esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
    worker: { format: 'iife' },
    // MNIST lies in the project's data/.
    server: { fs: { allow: ['../..'] } },
    plugins: mode === 'single' ? [single()] : [],
    build: {
        target: 'es2022',
        outDir: mode === 'single' ? 'dist/single' : 'dist/site',
        emptyOutDir: true,
        modulePreload: false,
        assetsInlineLimit: mode === 'single' ? 10_000_000 : 0,
        chunkSizeWarningLimit: 2000,
    },
}));
