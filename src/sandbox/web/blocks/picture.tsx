import { useState } from 'preact/hooks';
import { safeUrl } from '../text/links.ts';
import { Text } from '../text/text.tsx';
import { type Json, record, shownText, string } from './json.ts';

/** An image element. Where it has no address of its own, or can't be loaded, its description stands in for it. */
export function Picture({ image, class: name }: { image: Json; class: string }) {
  const url = pictureUrl(image);
  const alt = shownText(image.alt_text);
  const [failed, setFailed] = useState<string | null>(null);
  if (!url || failed === url) return <span class="picture-missing">{alt ? `Picture: ${alt}` : 'Picture without a description'}</span>;
  return <img class={name} src={url} alt={alt} title={alt} loading="lazy" onError={() => setFailed(url)} />;
}

/** An image block: its title, and the picture, which opens in full in a new tab. */
export function PictureBlock({ block }: { block: Json }) {
  const url = pictureUrl(block);
  const picture = <Picture image={block} class="image-block" />;
  return (
    <figure class="figure">
      {block.title !== undefined && (
        <figcaption>
          <Text of={block.title} />
        </figcaption>
      )}
      {url ? (
        <a href={url} target="_blank" rel="noopener noreferrer">
          {picture}
        </a>
      ) : (
        picture
      )}
    </figure>
  );
}

function pictureUrl(image: Json): string | null {
  const url = string(image.image_url) || string(record(image.slack_file).url);
  // A path without a host is one the sandbox itself serves.
  return url.startsWith('/') && !url.startsWith('//') ? url : safeUrl(url);
}
