// The link to what is on the screen, and the command that repeats it where there is one.
import { t } from '../language';
import { useShown } from './view';

interface Props {
    link: string;
    /** Why the link doesn't lead to what is on the screen. */
    unshared?: string | undefined;
    /** The network's complete specification. */
    spec?: string | undefined;
    /** The command line that trains the same. */
    command?: string | undefined;
    /** What has to be said of either; where there is no command, why. */
    note: string;
}

export function Share({ link, unshared, spec, command, note }: Props) {
    if (!useShown('Link and command', 'link')) return null;
    return (
        <details>
            <summary>{t('Link and command')}</summary>
            <p>{unshared ? t(unshared) : <a href={link}>{t('Link to this state')}</a>}</p>
            {spec && (
                <p>
                    {t('Specification')}: <code>{spec}</code>
                </p>
            )}
            {command && (
                <>
                    <p>{t('The same network on the command line')}:</p>
                    <pre tabIndex={0}>{command}</pre>
                </>
            )}
            {!unshared && <p class="note">{t(note)}</p>}
        </details>
    );
}
