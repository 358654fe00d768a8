import type { SandboxMessage } from '../../control-types.ts';
import { Picture } from '../blocks/picture.tsx';
import { safeUrl } from '../text/links.ts';

/** Uploaded files: pictures as pictures, anything else as a link. */
export function Files({ files }: { files: SandboxMessage['files'] }) {
  return (
    <>
      {files.map((file) => {
        const url = file.url.startsWith('/') ? file.url : (safeUrl(file.url) ?? '');
        return (
          <figure class="figure" data-testid="file">
            <figcaption>{file.title || file.name}</figcaption>
            <a class="link" href={url} target="_blank" rel="noopener noreferrer">
              {file.mimetype.startsWith('image/') ? <Picture image={{ image_url: url, alt_text: file.alt || file.title }} class="image-block" /> : file.name}
            </a>
          </figure>
        );
      })}
    </>
  );
}
