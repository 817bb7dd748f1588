// The lecturer chooses which groups of controls show; the choice stands in the link.
import { useContext, useRef, useState } from 'preact/hooks';
import { t } from '../language';
import { changeView } from '../router';
import { groups, ViewContext } from './view';

export function Chooser() {
    const dialog = useRef<HTMLDialogElement>(null);
    const { shows } = useContext(ViewContext);
    const [list, setList] = useState<[string, string][]>([]);
    const hidden = list.filter(([name]) => !shows(name)).map(([name]) => name);
    const toggle = (name: string) =>
        changeView({ hide: hidden.includes(name) ? hidden.filter((n) => n !== name) : [...hidden, name] });
    const open = () => {
        setList([...groups]);
        dialog.current!.showModal();
    };
    return (
        <>
            <button type="button" class="quiet" onClick={open}>
                {t('Controls')}
            </button>
            <dialog ref={dialog} aria-label={t('Choose controls')}>
                <h2>{t('Choose controls')}</h2>
                <p class="note">{t('What is left out here is left out for everybody who opens the link.')}</p>
                {list.map(([name, title]) => (
                    <label class="check" key={name}>
                        <input type="checkbox" checked={shows(name)} onChange={() => toggle(name)} /> {t(title)}
                    </label>
                ))}
                <div class="row">
                    <button type="button" class="main" onClick={() => dialog.current!.close()}>
                        {t('Done')}
                    </button>
                    <button type="button" onClick={() => changeView({})}>
                        {t('Show all')}
                    </button>
                </div>
            </dialog>
        </>
    );
}
