// The Russian of the page, by its English.
export const russian: Record<string, string> = {
    // Rooms
    Rooms: 'Разделы',
    Playground: 'Песочница',
    'One neuron': 'Один нейрон',
    'Descent race': 'Гонка методов',
    Graph: 'Граф',
    'There is no such room': 'Такого раздела нет',
    'Choose one of the rooms above.': 'Выберите один из разделов вверху.',

    // What rooms share
    Exercises: 'Задания',
    done: 'сделано',
    'not yet done': 'ещё не сделано',
    'A place to begin': 'С чего начать',
    'Save the picture': 'Сохранить рисунок',

    // Training
    Train: 'Обучать',
    Pause: 'Пауза',
    Step: 'Шаг',
    Reset: 'Сброс',
    Training: 'Обучение',
    ready: 'готово',
    epoch: 'эпоха',
    loss: 'потери',
    accuracy: 'точность',
    Optimizer: 'Оптимизатор',
    'Learning rate': 'Скорость обучения',
    'Batch size': 'Размер мини-батча',
    Batch: 'Мини-батч',
    'one example': 'один пример',
    '10 examples': '10 примеров',
    'all examples': 'все примеры',
    Pace: 'Темп',
    '5 epochs a second': '5 эпох в секунду',
    '60 epochs a second': '60 эпох в секунду',
    'as fast as it goes': 'как можно быстрее',
    'Loss by epoch': 'Потери по эпохам',
    'Loss by step': 'Потери по шагам',
    'training loss': 'потери на обучении',
    'test loss': 'потери на тесте',
    training: 'обучение',
    test: 'тест',
    gap: 'разрыв',
    engine: 'движок',
    'million examples a second': 'млн примеров в секунду',
    picture: 'картинка',
    ms: 'мс',

    // Playground
    Data: 'Данные',
    Set: 'Набор',
    Noise: 'Шум',
    Points: 'Точки',
    'Share of test data': 'Доля теста',
    'Seed of the data': 'Зерно данных',
    'Remove added points': 'Убрать добавленные точки',
    Show: 'Показать',
    'Show test data': 'Показать тест',
    Discretise: 'Только классы',
    Presets: 'Готовые примеры',
    Spiral: 'Спираль',
    'A feature instead of a layer': 'Признак вместо слоя',
    Overfitting: 'Переобучение',
    Network: 'Сеть',
    Inputs: 'Входы',
    Layer: 'Слой',
    layer: 'слой',
    unit: 'нейрон',
    bias: 'смещение',
    'One unit less': 'Нейроном меньше',
    'One unit more': 'Нейроном больше',
    'Add a layer': 'Добавить слой',
    'Remove a layer': 'Убрать слой',
    Activation: 'Активация',
    'Initial weights': 'Инициализация весов',
    Dropout: 'Дропаут',
    Seed: 'Зерно',
    'The network': 'Сеть',
    'The network: links are as wide as their weights, negative ones dashed':
        'Сеть: чем больше вес, тем толще связь; отрицательные — пунктиром',
    'Solid links are positive, dashed ones negative. Choose a link or a unit to read and change its weight.':
        'Сплошные связи — положительные веса, пунктирные — отрицательные. Выберите связь или нейрон, чтобы увидеть и изменить вес.',
    Done: 'Готово',
    'A weight was changed by hand: the link below leads to the network without that change.':
        'Вес изменён вручную: ссылка внизу ведёт к сети без этого изменения.',
    'Points as seen by': 'Точки в пространстве слоя',
    'no layer': 'не показывать',
    across: 'по горизонтали',
    up: 'по вертикали',
    'The points in the space of the layer': 'Точки в пространстве выбранного слоя',
    Answers: 'Ответы',
    'The answers over the plane, and the points': 'Ответы на плоскости и точки',
    'Click adds a point ●, Shift and click ▲.': 'Щелчок добавляет точку ●, щелчок с Shift — ▲.',
    'Link and command': 'Ссылка и команда',
    Link: 'Ссылка',
    'Link to this state': 'Ссылка на это состояние',
    'The same network on the command line': 'Та же сеть из командной строки',

    // One neuron
    'A weighted sum and a sigmoid: p = σ(w1·x1 + w2·x2 + b). Its boundary is a straight line; its loss is a bowl with one bottom.':
        'Взвешенная сумма и сигмоида: p = σ(w1·x1 + w2·x2 + b). Граница классов — прямая, а функция потерь — чаша с единственным дном.',
    Weights: 'Веса',
    Axes: 'Оси',
    'Landscape of the loss': 'Поверхность функции потерь',
    'The loss over two weights, and the way of the training': 'Функция потерь от двух весов и траектория обучения',
    'Click puts the weights there.': 'Щелчок переносит веса в эту точку.',

    // Descent race
    'All start at the same place and see the same gradient; they differ in what they make of it.':
        'Все стартуют из одной точки и видят один и тот же градиент; разница в том, как они его используют.',
    Race: 'Гонка',
    Where: 'Где',
    'A line through points': 'Прямая через точки',
    Ravine: 'Овраг',
    Rosenbrock: 'Функция Розенброка',
    Saddle: 'Седло',
    'Many valleys': 'Много долин',
    'A network, 2-8-8-1 on two moons': 'Сеть 2-8-8-1 на двух лунах',
    'Without data there is nothing to draw at random: SGD and mini-batches would walk as gradient descent does.':
        'Здесь нет данных, и случайно выбирать нечего: SGD и мини-батчи шли бы так же, как градиентный спуск.',
    'Racers and their learning rates': 'Участники и их скорости обучения',
    'Gradient descent': 'Градиентный спуск',
    'SGD, one example': 'SGD, один пример',
    'Mini-batch of 8': 'Мини-батч из 8',
    'Rate of': 'Скорость обучения:',
    Surface: 'Поверхность',
    'The surface and the ways of the racers': 'Поверхность и траектории участников',
    'Click chooses the start.': 'Щелчок выбирает начальную точку.',
    Standing: 'Таблица гонки',
    racer: 'участник',
    ahead: 'впереди',
    'left the numbers': 'разошёлся',

    // Graph
    Formula: 'Формула',
    Digits: 'Знаков после запятой',
    Examples: 'Примеры',
    'The lecture’s neuron': 'Нейрон из лекции',
    'Sum and product': 'Сумма и произведение',
    'Larger of two': 'Максимум двух',
    'A value read twice': 'Значение, использованное дважды',
    'Cross-entropy of a sigmoid': 'Перекрёстная энтропия сигмоиды',
    value: 'значение',
    Steps: 'Шаги',
    Start: 'Начало',
    Back: 'Назад',
    'Next value': 'Следующее значение',
    'Next gradient': 'Следующий градиент',
    'Show all': 'Показать всё',
    Values: 'Значения',
    'stand above the edge,': 'стоят над ребром,',
    gradients: 'градиенты',
    'below it: by how much the result changes when the value grows a little.':
        'под ним: как сильно меняется результат при малом росте значения.',
    'The graph: values above the edges, gradients below': 'Граф: значения над рёбрами, градиенты под ними',
    'Each node computes one thing and knows its own derivative. Forward the values are computed, backward the chain rule: what comes from the right times the node’s own derivative.':
        'Каждый узел выполняет одну операцию и знает её производную. При прямом проходе вычисляются значения, при обратном — градиенты по цепному правилу: то, что пришло справа, умножается на собственную производную узла.',
    Move: 'Менять',
    'Value of': 'Значение',

    // Room: run
    'Training run': 'Ход обучения',
    Run: 'Запуск',
    'About the run': 'О запуске',
    Stop: 'Стоп',
    'in training': 'обучается',
    paused: 'на паузе',
    starting: 'запускается',
    'not running': 'не идёт',
    'all epochs done': 'все эпохи пройдены',
    'no better epoch came': 'лучшей эпохи больше не было',
    stopped: 'остановлено',
    failed: 'сбой',
    fold: 'блок',
    of: 'из',
    rows: 'строк',
    validation: 'проверочная часть',
    'first layer': 'первый слой',
    'last layer': 'последний слой',
    Folder: 'Папка',
    'Epochs in all, at the next start': 'Всего эпох при следующем запуске',
    Curves: 'Кривые',
    Loss: 'Потеря',
    'the best one': 'лучшая',
    Accuracy: 'Точность',
    'Accuracy by epoch': 'Точность по эпохам',
    'Root of the mean squared error': 'Корень из среднего квадрата ошибки',
    'Root of the mean squared error by epoch': 'Корень из среднего квадрата ошибки по эпохам',
    Inside: 'Внутри сети',
    'Gradient flow': 'Поток градиента',
    'Root mean square of the gradient that reaches each layer':
        'Среднеквадратичный градиент, доходящий до каждого слоя',
    'Gradient that reaches each layer': 'Градиент, доходящий до каждого слоя',
    'Gradient of the first and the last layer by epoch': 'Градиент первого и последнего слоя по эпохам',
    saturated: 'в насыщении',
    dead: 'мёртвых',
    'Filters of': 'Фильтры слоя',
    'Nothing yet: the first look comes with the end of an epoch.': 'Пока ничего: первый взгляд — в конце эпохи.',
    'The server has ended: soma studio starts it again.': 'Сервер завершился: его снова запустит команда soma studio.',
    'Pause the run and let it go on: no epoch is lost.':
        'Поставьте обучение на паузу и продолжите его: ни одна эпоха не потеряна.',
    'Stop the run, then start it where it stood.': 'Остановите обучение и запустите его с того же места.',
    'Find a run that overfits: the loss on what is held back is 10 % above its least, the training loss below the one of that time.':
        'Найдите переобучение: потеря на проверочной части на 10 % выше своего наименьшего значения, а потеря обучения ниже, чем была тогда.',
    // Room: what all rooms share
    Controls: 'Вид',
    'Choose controls': 'Что показывать',
    'What is left out here is left out for everybody who opens the link.':
        'Что здесь убрано, не увидит никто, кто откроет ссылку.',
    Present: 'Показ',
    Presenter: 'Показ',
    List: 'Список',
    'Links to turn over': 'Ссылки для показа',
    'One link a line, and a title behind it. “Link to this state” of each room gives the links.':
        'По одной ссылке в строке, за ней заголовок. Ссылки берутся в комнатах: «Ссылка на это состояние».',
    'Use this list': 'Взять этот список',
    'The lecture': 'Список по лекции',
    'Leave as it is': 'Оставить как было',
    'Page before': 'Предыдущая страница',
    'Next page': 'Следующая страница',
    Leave: 'Выйти',
    step: 'шаг',
    'Which weight': 'Какой вес',
    output: 'выход',

    // The lecture's sections
    'A linear classifier on two moons': 'Линейный классификатор на двух лунах',
    'The same points with one hidden layer': 'Те же точки и один скрытый слой',
    'Logistic regression: the neuron': 'Логистическая регрессия — это нейрон',
    'What one neuron cannot do': 'Чего не может один нейрон',
    'Hidden layers: the perceptron': 'Скрытые слои: персептрон',
    'Softmax: more than two classes': 'Softmax: больше двух классов',
    'Gradient descent on the surface of the loss': 'Градиентный спуск по поверхности функции потерь',
    'Gradient descent, SGD and mini-batches': 'Градиентный спуск, SGD и мини-батчи',
    'Momentum, RMSProp, Adam': 'Momentum, RMSProp, Adam',
    'The same race on a network': 'Та же гонка на нейросети',
    'A computational graph': 'Вычислительный граф',
    'Backpropagation, step by step': 'Обратное распространение ошибки по шагам',
    'Vanishing gradients': 'Затухание градиента',
    'Why weights cannot all be the same': 'Почему веса нельзя задать одной константой',
    'A network that reads digits': 'Сеть, которая читает цифры',
    'What its filters look for': 'Что ищут её фильтры',
    'A model of your own': 'Своя модель',

    // Room: one neuron, link and exercises
    'The boundary': 'Граница',
    'Without a single step of training, by the sliders alone: accuracy of 95 % or more on the blobs.':
        'Без единого шага обучения, одними ползунками: точность не ниже 95 % на наборе blobs.',
    'Train to the bottom of the bowl: all three gradients smaller than 0.005 in magnitude.':
        'Обучите нейрон до дна чаши: все три частные производные меньше 0,005 по модулю.',
    'Find a set that no straight line parts: 300 steps or more, and accuracy still below 75 %.':
        'Найдите набор, который не разделить прямой: не меньше 300 шагов, а точность всё ещё ниже 75 %.',
    'The command line has all three blobs, of which this room leaves one out: no command trains the same.':
        'В командной строке у blobs три класса, а здесь один убран, поэтому такой же команды нет.',
    'The command line begins with weights of its own, not with those of the sliders.':
        'Командная строка начинает со своих начальных весов, а не с тех, что заданы ползунками.',

    // Room: descent race, link and exercises
    'In the ravine: a learning rate with which gradient descent flies apart, while Adam comes below a loss of 0.01.':
        'В овраге: скорость обучения, при которой градиентный спуск расходится, а Adam доходит до потерь меньше 0,01.',
    'On the saddle: a learning rate with which gradient descent is below −2 within 60 steps.':
        'На седле: скорость обучения, при которой градиентный спуск за 60 шагов опускается ниже −2.',
    'Among the many valleys: a start from which four racers or more find the deepest, below −0.85.':
        'Среди многих долин: начало, из которого хотя бы четверо находят самую глубокую, ниже −0,85.',
    'The command trains one network, here with the method that is ahead.':
        'Команда обучает одну сеть — тем методом, который сейчас впереди.',
    'The command line trains networks; it has no race on surfaces.':
        'Командная строка обучает сети; гонки по поверхностям в ней нет.',

    // Room: graph, link and exercises
    'In the lecture’s neuron, move w0 alone until the result is above 0.95.':
        'В нейроне из лекции меняйте только w0, пока результат не станет больше 0,95.',
    'Write a formula of x alone whose value at x = 2 is 8 and whose gradient there is 12.':
        'Напишите формулу от одного x, которая при x = 2 равна 8, а её производная там равна 12.',
    'Let the gradient vanish: a chain of sigmoids at whose beginning, at x, it is below 0.01 but not 0.':
        'Сделайте так, чтобы градиент затух: цепочка сигмоид, в начале которой, у x, он меньше 0,01, но не 0.',
    'The command line trains and runs networks; it has no formulas.':
        'Командная строка обучает и запускает сети; формул в ней нет.',

    // Room: playground, link
    'The link holds every setting, the points added by hand and the number of steps: opened, it trains to this state again.':
        'В ссылке — все настройки, добавленные вручную точки и число шагов: при открытии сеть снова обучится до этого состояния.',
    // Room: flow
    'Gradient flow': 'Поток градиента',
    'A gradient is a product of the slopes on its way: in a deep network it may be next to nothing when it arrives at the first layers. Two networks of the same layers learn from the same batches, one of them with residual connections.':
        'Градиент — это произведение производных на его пути: в глубокой сети до первых слоёв может не дойти почти ничего. Две сети из одинаковых слоёв учатся на одних и тех же мини-батчах; в одной из них есть остаточные связи.',
    'Vanishing gradient': 'Затухающий градиент',
    'Twelve layers of sigmoids: on the way back each multiplies the gradient by its slope, a quarter at most, so that next to nothing reaches the first layers. The network learns nothing.':
        'Двенадцать слоёв сигмоид: на обратном пути каждый умножает градиент на свою производную, то есть не больше чем на четверть, и до первых слоёв почти ничего не доходит. Сеть ничему не учится.',
    'Remedy: residual connections': 'Средство: остаточные связи',
    'The same layers, but around each its input goes by: y = x + f(x). The sum lets the gradient through undiminished, and the first layers learn.':
        'Те же слои, но в обход каждого идёт его вход: y = x + f(x). Сумма пропускает градиент без потерь, и первые слои учатся.',
    'Remedy: ReLU and He': 'Средство: ReLU и инициализация Хе',
    'The plain network with ReLU, whose slope is 1 where it is on, and initial weights whose spread suits it: the gradient keeps its size over all layers.':
        'Обычная сеть с ReLU, производная которой равна 1 там, где она включена, и с подходящим к ней разбросом начальных весов: величина градиента сохраняется на всех слоях.',
    'Equal constant weights': 'Одинаковые веса',
    'All weights begin equal: all units of a layer compute the same, receive the same gradient and stay the same, however long they learn. Eight units are worth one, and the boundary remains a line.':
        'Все веса вначале равны: все нейроны слоя вычисляют одно и то же, получают один и тот же градиент и остаются одинаковыми, сколько их ни учи. Восемь нейронов стоят одного, и граница остаётся прямой.',
    'plain network': 'обычная сеть',
    'residual network': 'остаточная сеть',
    'both networks': 'обе сети',
    plain: 'обычная',
    residual: 'остаточная',
    Settings: 'Настройки',
    'Hidden layers': 'Скрытых слоёв',
    'Units in each': 'Нейронов в каждом',
    'All weights are': 'Все веса равны',
    '20 epochs a second': '20 эпох в секунду',
    out: 'вых.',
    'Share of saturated elements by layer': 'Доля насыщенных элементов по слоям',
    'saturated: slope of the activation below 0.01': 'насыщены: производная активации меньше 0,01',
    'Norm of the gradient by layer, on a scale of decades': 'Норма градиента по слоям, логарифмическая шкала',
    'norm of the gradient ∂L/∂z': 'норма градиента ∂L/∂z',
    'last gradient ÷ first': 'последний градиент ÷ первый',
    'It left the numbers, and is shown as it was before': 'Вышла за пределы чисел; показана такой, какой была до этого',
    'histograms of the values of each layer': 'гистограммы значений каждого слоя',
    'histograms of the gradients of each layer': 'гистограммы градиентов каждого слоя',
    'values, by layer': 'значения, по слоям',
    'gradients (sizes), by layer': 'градиенты (по величине), по слоям',
    'A layer, unit by unit': 'Слой по нейронам',
    'Layer to look at': 'Какой слой смотрим',
    'Above, what each unit answers over the plane; below, a row for each unit, a square for each weight: filled where it is positive, hollow where it is negative.':
        'Сверху — ответы каждого нейрона на плоскости; ниже строка на нейрон и квадрат на вес: закрашенный, если вес положителен, пустой, если отрицателен.',
    'the chosen layer': 'выбранный слой',
    'what each unit answers over the plane': 'ответы каждого нейрона на плоскости',
    'different units': 'разных нейронов',
    'weights of the layer, a row a unit': 'веса слоя, строка на нейрон',
    weight: 'вес',
    weights: 'веса',
    values: 'значения',
    mean: 'среднее',
    deviation: 'отклонение',
    norm: 'норма',
    'are 0': 'равны 0',
    'histogram of values': 'гистограмма значений',
    'histogram of gradients': 'гистограмма градиентов',
    'The numbers, layer by layer': 'Числа по слоям',
    saturated: 'насыщено',
    gradient: 'градиент',
    'Let the first layer of the plain network receive a gradient a thousand million times smaller than the last one’s.':
        'Сделайте так, чтобы градиент первого слоя обычной сети был в миллиард раз меньше градиента последнего.',
    'Teach a plain network of 10 layers or more until it is right on 95 % of the test part.':
        'Обучите обычную сеть из 10 или более слоёв, чтобы она была права на 95 % теста.',
    'What carries gradients can let them grow: make the residual network’s first layer receive a thousand times more than its last one.':
        'Что проносит градиент, может дать ему и вырасти: сделайте так, чтобы первый слой остаточной сети получал в тысячу раз больше последнего.',

    // Room: alexnet
    'The network that won the ImageNet competition of 2012 by far (Krizhevsky, Sutskever and Hinton), as one tower: walk through it layer by layer.':
        'Сеть, которая с большим отрывом выиграла соревнование ImageNet 2012 года (Крижевский, Суцкевер, Хинтон), в одну башню. Пройдите её слой за слоем.',
    'AlexNet to scale: the fronts are height × width, what goes back are the channels':
        'AlexNet в масштабе: спереди высота × ширина, вглубь — каналы',
    'To scale: 8 points for 10 pixels of height and width, 12 for 100 channels, 45 for 1000 units. The dashed square is the window of the chosen layer.':
        'В масштабе: 8 точек на 10 пикселей высоты и ширины, 12 на 100 каналов, 45 на 1000 нейронов. Пунктирный квадрат — окно выбранного слоя.',
    input: 'вход',
    output: 'выход',
    size: 'размер',
    parameters: 'параметры',
    FLOPs: 'операций',
    memory: 'память',
    MB: 'МБ',
    kB: 'кБ',
    'A picture of 227 × 227 pixels with three channels: red, green and blue.':
        'Картинка 227 × 227 пикселей с тремя каналами: красным, зелёным и синим.',
    'Filters slide over the input, each as deep as it; each gives one map of the output. ReLU follows.':
        'Фильтры скользят по входу, каждый той же глубины, что и вход; каждый даёт одну карту выхода. За ними ReLU.',
    'The largest of each window. Windows overlap, since the stride is less than their side.':
        'Наибольшее в каждом окне. Окна перекрываются, так как шаг меньше их стороны.',
    'Each unit reads everything: this is where most parameters lie.':
        'Каждый нейрон читает всё: здесь и лежит большая часть параметров.',
    'In training each number is set to 0 with probability 1/2, against overfitting; afterwards it does nothing.':
        'При обучении каждое число с вероятностью 1/2 обнуляется — против переобучения; потом слой ничего не делает.',
    Layers: 'Слои',
    together: 'вместе',
    'The chosen layer': 'Выбранный слой',
    'Previous layer': 'Предыдущий слой',
    'Next layer': 'Следующий слой',
    Altogether: 'Всего',
    'All outputs of one picture': 'Все выходы для одной картинки',
    'Convolutions hold': 'В свёртках',
    'of the parameters and do': 'параметров и',
    'of the arithmetic.': 'вычислений.',
    'Link to this layer': 'Ссылка на этот слой',
    'A layer of your own': 'Свой слой',
    'N, side of the input': 'N, сторона входа',
    'C, its channels': 'C, каналы входа',
    'K, filters': 'K, фильтры',
    'F, side of the window': 'F, сторона окна',
    's, stride': 's, шаг',
    'p, padding': 'p, отступ',
    'Why not a perceptron?': 'Почему не перцептрон?',
    'A grey picture of 32 × 32 has 1024 pixels. One hidden layer of 1024 units has':
        'В серой картинке 32 × 32 ровно 1024 пикселя. У одного скрытого слоя из 1024 нейронов',
    'weights, and knows nothing of which pixels are neighbours: shuffled pixels would be the same to it.':
        'весов, и он ничего не знает о соседстве пикселей: перемешанные пиксели для него то же самое.',
    'Six filters of 5 × 5 on the same picture have': 'У шести фильтров 5 × 5 на той же картинке',
    'parameters, whatever the picture’s size': 'параметров, каким бы ни был размер картинки',
    'On AlexNet’s pictures a first layer of 4096 units would have':
        'На картинках AlexNet у первого слоя из 4096 нейронов было бы',
    'parameters, % times those of the whole network.': 'параметров — в % раза больше, чем во всей сети.',
    'Four tasks with pictures': 'Четыре задачи с картинками',
    cat: 'кошка',
    dog: 'собака',
    Classification: 'Классификация',
    'What is in the picture? One answer for all of it.': 'Что на картинке? Один ответ на всю картинку.',
    'The network gives a probability for each class: 1000 numbers of a softmax in AlexNet.':
        'Сеть даёт вероятность каждого класса: у AlexNet это 1000 чисел softmax.',
    'Classification and localisation': 'Классификация и локализация',
    'What is it, and where? There is one object.': 'Что это и где? Объект один.',
    'Beside the classes the network gives four numbers more: the box’s place, width and height.':
        'Кроме классов, сеть даёт ещё четыре числа: положение рамки, её ширину и высоту.',
    'Object detection': 'Обнаружение объектов',
    'Which objects are there, and where is each? Nobody says how many.':
        'Какие объекты есть и где каждый из них? Сколько их, заранее неизвестно.',
    'For each of many places the network gives four numbers of a box, classes, and whether anything is there; boxes of one object are merged.':
        'Для каждого из множества мест сеть даёт четыре числа рамки, классы и ответ, есть ли там что-нибудь; рамки одного объекта объединяют.',
    'Instance segmentation': 'Сегментация объектов',
    'Which pixels belong to which object? Two dogs are told apart.':
        'Какие пиксели какому объекту принадлежат? Две собаки различаются.',
    'For each object the network gives, beside class and box, a mask: a probability for each pixel.':
        'Для каждого объекта, кроме класса и рамки, сеть даёт маску: вероятность для каждого пикселя.',
    'Choose the layer that does the most arithmetic: it is not the one with the most parameters.':
        'Выберите слой, в котором больше всего вычислений: это не тот, где больше всего параметров.',
    'In a layer of your own: a window of 3 × 3 that keeps the size.':
        'В своём слое: окно 3 × 3, которое сохраняет размер.',
    'The paper speaks of pictures of 224 × 224: find the padding with which the first layer (F = 11, s = 4) still gives 55 × 55.':
        'В статье сказано о картинках 224 × 224: найдите отступ, с которым первый слой (F = 11, s = 4) всё же даёт 55 × 55.',
};
