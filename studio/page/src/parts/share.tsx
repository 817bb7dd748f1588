// The link to what is on the screen, and the command that repeats it where there is one.
import { t } from '../language';
import { useShown } from './view';

interface Props {
    link: string;
    /** The command line that trains the same. */
    command?: string | undefined;
    /** What has to be said of either; where there is no command, why. */
    note: string;
}

export function Share({ link, command, note }: Props) {
    if (!useShown('Link and command', 'link')) return null;
    return (
        <details>
            <summary>{t('Link and command')}</summary>
            <p>
                <a href={link}>{t('Link to this state')}</a>
            </p>
            {command && (
                <>
                    <p>{t('The same network on the command line')}:</p>
                    <pre tabIndex={0}>{command}</pre>
                </>
            )}
            <p class="note">{t(note)}</p>
        </details>
    );
}
